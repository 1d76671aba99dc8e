//! Ctrl-C and SIGTERM: the first cancels the run, the second ends the program at once. Hidden input
//! is made visible again in either case.

use crate::cli::Exit;
use crate::report::{Screen, Text};
use crate::transport::CancelToken;
use std::cell::UnsafeCell;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

/// Signals that came.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// Where the handler tells the watching thread; -1 when nothing can be cancelled yet.
static TELL: AtomicI32 = AtomicI32::new(-1);
/// The terminal that hides what is typed; -1 for none.
static HIDING: AtomicI32 = AtomicI32::new(-1);
/// Whether the handler is in place.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The settings of the terminal in `HIDING`.
struct Saved(UnsafeCell<Option<libc::termios>>);

// SAFETY: it is written before `HIDING` is set (release) and read only while that is set (acquire).
unsafe impl Sync for Saved {}

static SAVED: Saved = Saved(UnsafeCell::new(None));

/// Notes how the terminal was before it hid what is typed.
pub fn remember_terminal(fd: RawFd, settings: &libc::termios) {
    // SAFETY: `HIDING` is -1 here, so nobody reads; only one question is asked at a time.
    unsafe { *SAVED.0.get() = Some(*settings) };
    HIDING.store(fd, Ordering::Release);
}

/// Makes the terminal show what is typed again. May be called in a signal handler.
pub fn restore_terminal() {
    let fd = HIDING.swap(-1, Ordering::AcqRel);
    if fd < 0 {
        return;
    }
    // SAFETY: `fd` was set after the settings were; tcsetattr may be called in a signal handler.
    unsafe {
        if let Some(settings) = &*SAVED.0.get() {
            libc::tcsetattr(fd, libc::TCSAFLUSH, settings);
        }
    }
}

extern "C" fn on_signal(_: libc::c_int) {
    let before = COUNT.fetch_add(1, Ordering::SeqCst);
    restore_terminal();
    let tell = TELL.load(Ordering::Acquire);
    if before > 0 || tell < 0 {
        // SAFETY: _exit may be called in a signal handler.
        unsafe { libc::_exit(i32::from(Exit::Interrupted.number())) };
    }
    // SAFETY: write may be called in a signal handler; the buffer is one byte.
    unsafe { libc::write(tell, [b'!'].as_ptr().cast(), 1) };
}

/// Takes the signals from now on. Until [`cancel_on_signal`] says otherwise, one ends the program.
fn install() {
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return;
    }
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the struct is plain; the handler only does what is allowed there. No SA_RESTART: a
        // question that is being asked must end.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// While it lives, an interruption does not leave the terminal hiding what is typed.
pub struct Asking;

/// Before a question is asked.
pub fn while_asking() -> Asking {
    install();
    Asking
}

/// Whether somebody asked the program to end.
pub fn interrupted() -> bool {
    COUNT.load(Ordering::SeqCst) > 0
}

/// The first signal from now on cancels the run, and says so on the screen.
pub fn cancel_on_signal(cancel: &CancelToken, screen: Arc<Screen>) {
    let mut ends = [-1; 2];
    // SAFETY: the array has room for both ends.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        // Without a pipe a signal ends the program at once.
        return;
    }
    let (read, cancel) = (ends[0], cancel.clone());
    let watch = move || {
        let mut byte = [0u8];
        loop {
            // SAFETY: the buffer has room for one byte, and nobody else closes the descriptor.
            let count = unsafe { libc::read(read, byte.as_mut_ptr().cast(), 1) };
            if count == 1 {
                cancel.cancel();
                let mut text = Text::default();
                text.err("\ninterrupted: ending what runs; once more to leave at once\n");
                // Nobody may be there to read it.
                let _ = screen.write(&text);
            } else if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
                return;
            }
        }
    };
    if std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(watch).is_ok() {
        TELL.store(ends[1], Ordering::Release);
        install();
    }
}
