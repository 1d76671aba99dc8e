//! The cipher `AES256`: keys by PBKDF2-HMAC-SHA256, AES-256 in counter mode, HMAC-SHA256 over the
//! encrypted bytes.

use super::VaultError;
use super::envelope::Envelope;
use super::secret::{Secret, wipe};
use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How often PBKDF2 repeats; fixed by the format.
const ROUNDS: u32 = 10_000;

const BLOCK: usize = 16;

/// What is derived from a secret and a salt: the cipher's key, the checksum's key, the first counter.
struct Keys([u8; 32 + 32 + BLOCK]);

impl Keys {
    fn derive(secret: &Secret, salt: &[u8]) -> Keys {
        let mut keys = Keys([0; 80]);
        pbkdf2::pbkdf2_hmac::<Sha256>(secret.bytes(), salt, ROUNDS, &mut keys.0);
        keys
    }

    fn checksum(&self) -> Option<Hmac<Sha256>> {
        <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0[32..64]).ok()
    }

    /// Encrypts or decrypts in place: counter mode is its own inverse. The counter is big-endian.
    fn apply(&self, data: &mut [u8]) {
        let mut key = [0; 32];
        key.copy_from_slice(&self.0[..32]);
        let cipher = Aes256::new(&Array::from(key));
        wipe(&mut key);
        let mut first = [0; BLOCK];
        first.copy_from_slice(&self.0[64..]);
        let mut counter = u128::from_be_bytes(first);
        for chunk in data.chunks_mut(BLOCK) {
            let mut stream = Array::from(counter.to_be_bytes());
            cipher.encrypt_block(&mut stream);
            for (byte, mask) in chunk.iter_mut().zip(stream.iter()) {
                *byte ^= mask;
            }
            counter = counter.wrapping_add(1);
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The clear bytes; None when the checksum says that the secret is another one.
pub(super) fn decrypt(envelope: &Envelope, secret: &Secret) -> Result<Option<Vec<u8>>, VaultError> {
    let keys = Keys::derive(secret, &envelope.salt);
    let Some(mut checksum) = keys.checksum() else { return Ok(None) };
    checksum.update(&envelope.data);
    if checksum.verify_slice(&envelope.hmac).is_err() {
        return Ok(None);
    }
    let mut clear = envelope.data.clone();
    keys.apply(&mut clear);
    // The format pads as a block cipher would (PKCS#7), though counter mode needs no padding.
    let padding = clear.last().map_or(0, |last| usize::from(*last));
    let valid = (1..=BLOCK).contains(&padding)
        && clear.len() >= padding
        && clear[clear.len() - padding..].iter().all(|byte| usize::from(*byte) == padding);
    if !valid {
        return Err(VaultError::Body("its padding is wrong"));
    }
    clear.truncate(clear.len() - padding);
    Ok(Some(clear))
}

/// The envelope for clear bytes.
pub(super) fn encrypt(clear: &[u8], secret: &Secret, id: Option<String>, salt: &[u8]) -> Envelope {
    let keys = Keys::derive(secret, salt);
    let padding = BLOCK - clear.len() % BLOCK;
    let mut data = Vec::with_capacity(clear.len() + padding);
    data.extend_from_slice(clear);
    data.resize(clear.len() + padding, padding as u8);
    keys.apply(&mut data);
    let hmac = keys.checksum().map(|mut checksum| {
        checksum.update(&data);
        checksum.finalize().into_bytes().to_vec()
    });
    Envelope { id, salt: salt.to_vec(), hmac: hmac.unwrap_or_default(), data }
}

/// 32 bytes from the system's generator.
pub(super) fn random_salt() -> Result<[u8; 32], VaultError> {
    let mut salt = [0u8; 32];
    // SAFETY: the buffer is as long as told. Up to 256 bytes come at once or not at all.
    let got = unsafe { libc::getrandom(salt.as_mut_ptr().cast(), salt.len(), 0) };
    if got == salt.len() as isize { Ok(salt) } else { Err(VaultError::Random) }
}
