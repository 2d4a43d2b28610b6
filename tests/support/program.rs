//! A program for archives of functions.

/// A program that has nothing but the headers of one, for x86-64 and without a loader.
pub fn smallest_program() -> Vec<u8> {
    let mut elf = vec![0; 64];
    elf[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    for (place, value) in [(16, 2_u8), (18, 62), (20, 1), (52, 64), (54, 56), (58, 64)] {
        elf[place] = value;
    }
    elf
}
