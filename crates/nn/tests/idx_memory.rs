//! What refuses an IDX file takes little more memory than the file, or than what a packed one may unpack to. One test in a
//! process of its own, whose allocator counts.

#[path = "../../tensor/tests/common/counting.rs"]
mod counting;

use std::io::Write;

use counting::peak;
use flate2::Compression;
use flate2::write::GzEncoder;
use wengert_nn::data::idx;

/// A file of this type and these axes, and so many bytes of data.
fn file(code: u8, axes: &[u32], data: usize) -> Vec<u8> {
    let mut out = vec![0, 0, code, axes.len() as u8];
    out.extend(axes.iter().flat_map(|d| d.to_be_bytes()));
    out.resize(out.len() + data, 0);
    out
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn what_refuses_an_idx_file_takes_little_more_than_the_file() {
    let limit = 4 << 20;
    let files = [
        (
            "4 GiB that are not there",
            file(0x08, &[1 << 16, 1 << 16], 1 << 20),
        ),
        (
            "a size that overflows",
            file(0x0E, &[u32::MAX; 255], 1 << 20),
        ),
        ("255 axes of 1 and no data", file(0x0E, &[1; 255], 0)),
        ("a byte too many", file(0x0D, &[1 << 18], (1 << 20) + 1)),
        ("a byte too few", file(0x09, &[1 << 22], (1 << 22) - 1)),
    ];
    for (name, bytes) in files {
        for (bytes, unpacked) in [(packed(&bytes), bytes.len()), (bytes, 0)] {
            let (taken, read) = peak(|| idx::parse(&bytes, limit));
            assert!(read.is_err(), "{name}");
            // The file itself is held as well.
            let came = unpacked.max(bytes.len()).min(limit as usize);
            assert!(taken <= came + (1 << 20), "{name}: {taken} bytes of {came}");
        }
    }
    // Zeros are packed a thousandfold: the limit holds.
    let bomb = packed(&file(0x08, &[100 << 20], 100 << 20));
    let (taken, read) = peak(|| idx::parse(&bomb, limit));
    assert!(read.is_err());
    assert!(taken <= bomb.len() + (1 << 20), "{taken} bytes");
}
