//! Python's `random.Random` with a seed, number for number (the Mersenne Twister MT19937).

use sha2::{Digest, Sha512};

const SIZE: usize = 624;

/// A seeded generator.
pub struct Random {
    state: [u32; SIZE],
    index: usize,
}

impl Random {
    /// `Random(text)`.
    pub fn from_text(text: &str) -> Random {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend_from_slice(&Sha512::digest(text.as_bytes()));
        // The bytes are one number, the first byte the highest; its words go in from the lowest.
        let words = bytes.rchunks(4).map(|chunk| chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)));
        Random::from_words(words.collect())
    }

    /// `Random(number)`.
    pub fn from_number(number: i64) -> Random {
        let number = number.unsigned_abs();
        Random::from_words(vec![number as u32, (number >> 32) as u32])
    }

    fn from_words(mut key: Vec<u32>) -> Random {
        while key.len() > 1 && key.last() == Some(&0) {
            key.pop();
        }
        let mut state = [0u32; SIZE];
        state[0] = 19_650_218;
        for index in 1..SIZE {
            let previous = state[index - 1];
            state[index] = 1_812_433_253u32.wrapping_mul(previous ^ previous >> 30).wrapping_add(index as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..SIZE.max(key.len()) {
            let previous = state[i - 1];
            state[i] = (state[i] ^ (previous ^ previous >> 30).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            (i, j) = (i + 1, (j + 1) % key.len());
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        for _ in 0..SIZE - 1 {
            let previous = state[i - 1];
            state[i] = (state[i] ^ (previous ^ previous >> 30).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Random { state, index: SIZE }
    }

    fn next(&mut self) -> u32 {
        if self.index >= SIZE {
            for k in 0..SIZE {
                let y = self.state[k] & 0x8000_0000 | self.state[(k + 1) % SIZE] & 0x7fff_ffff;
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[k] = self.state[(k + 397) % SIZE] ^ y >> 1 ^ twist;
            }
            self.index = 0;
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    /// A number below `limit`, as `_randbelow` draws it.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 {
            return 0;
        }
        let bits = 64 - limit.leading_zeros();
        loop {
            let number = if bits <= 32 {
                u64::from(self.next() >> (32 - bits))
            } else {
                let low = u64::from(self.next());
                low | u64::from(self.next() >> (64 - bits)) << 32
            };
            if number < limit {
                return number;
            }
        }
    }
}
