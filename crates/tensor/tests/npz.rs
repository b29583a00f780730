//! npz files: what NumPy writes is read; what is damaged or hostile is an error.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, Crc, write::DeflateEncoder};
use proptest::prelude::*;
use wengert_tensor::{AnyTensor, Result, Rng, Tensor};

/// A file of an archive, as its headers have it.
#[derive(Clone)]
struct File {
    name: String,
    method: u16,
    flags: u16,
    crc: u32,
    data: Vec<u8>,
    size: u64,
    /// Sizes and place in an extra field of 64 bits.
    wide: bool,
}

fn file(name: &str, bytes: &[u8], packed: bool) -> File {
    let mut crc = Crc::new();
    crc.update(bytes);
    let data = match packed {
        true => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        false => bytes.to_vec(),
    };
    File {
        name: name.into(),
        method: if packed { 8 } else { 0 },
        flags: 0,
        crc: crc.sum(),
        data,
        size: bytes.len() as u64,
        wide: false,
    }
}

fn archive(files: &[File], comment: &[u8]) -> Vec<u8> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for f in files {
        let at = out.len() as u64;
        let (name, packed) = (f.name.as_bytes(), f.data.len() as u64);
        let small = |v: u64| if f.wide { u32::MAX } else { v as u32 }.to_le_bytes();
        let mut wide = Vec::new();
        if f.wide {
            wide.extend([9, 0, 1, 0, 7]); // another field before
            wide.extend([1, 0, 24, 0]);
            for v in [f.size, packed, at] {
                wide.extend(v.to_le_bytes());
            }
        }
        let mut common = Vec::new();
        for v in [f.flags, f.method, 0, 0] {
            common.extend(v.to_le_bytes());
        }
        common.extend(f.crc.to_le_bytes());
        common.extend(small(packed));
        common.extend(small(f.size));
        common.extend((name.len() as u16).to_le_bytes());
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(&common);
        out.extend([3, 0]); // an extra field that the list has not
        out.extend(name);
        out.extend([0, 0, 0]);
        out.extend(&f.data);
        list.extend(b"PK\x01\x02\x14\0\x14\0");
        list.extend(&common);
        list.extend((wide.len() as u16).to_le_bytes());
        list.extend([0; 10]);
        list.extend(small(at));
        list.extend(name);
        list.extend(wide);
    }
    let (start, n) = (out.len() as u32, files.len() as u16);
    out.extend(&list);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(n.to_le_bytes());
    out.extend(n.to_le_bytes());
    out.extend((list.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}

fn tensors() -> BTreeMap<String, AnyTensor> {
    let mut rng = Rng::seed(0);
    BTreeMap::from([
        (
            "weight".to_string(),
            Tensor::<f32>::randn([7, 5], &mut rng).into(),
        ),
        ("bias".into(), Tensor::<f64>::zeros([300]).into()),
        ("folder/step".into(), Tensor::scalar(3i64).into()),
    ])
}

fn files(packed: bool) -> Vec<File> {
    let all = tensors();
    let file = |(name, t): (&String, &AnyTensor)| file(&format!("{name}.npy"), &t.to_npy(), packed);
    all.iter().map(file).collect()
}

const AMPLE: u64 = 1 << 20;

fn refusal(bytes: &[u8]) -> String {
    match AnyTensor::from_npz(bytes, AMPLE) {
        Ok(_) => panic!("no error"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn packed_and_stored_files_are_read() {
    for packed in [false, true] {
        for comment in [
            "",
            "a comment",
            "PK\x05\x06 in a comment that looks like an end",
        ] {
            let read = AnyTensor::from_npz(&archive(&files(packed), comment.as_bytes()), AMPLE);
            assert_eq!(read.unwrap(), tensors());
        }
        let mut wide = files(packed);
        wide.iter_mut().for_each(|f| f.wide = true);
        assert_eq!(
            AnyTensor::from_npz(&archive(&wide, b""), AMPLE).unwrap(),
            tensors()
        );
    }
    assert!(
        AnyTensor::from_npz(&archive(&[], b""), 0)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_numpy_wrote_is_read() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    for name in ["numpy_stored.npz", "numpy_packed.npz"] {
        let read = AnyTensor::load_npz(data.join(name)).unwrap();
        let names: Vec<&String> = read.keys().collect();
        assert_eq!(
            names,
            ["arr_0", "columns", "half", "labels", "mask", "small"]
        );
        assert_eq!(
            read["arr_0"],
            Tensor::new([[0.0f32, 1.0, 2.0], [3.0, 4.0, 5.0]]).into()
        );
        assert_eq!(
            read["columns"],
            Tensor::new([[0.0f64, 1.0, 2.0], [3.0, 4.0, 5.0]]).into()
        );
        assert_eq!(
            read["half"],
            Tensor::new([0.5f32, -2.0, f32::INFINITY]).into()
        );
        assert_eq!(read["labels"], Tensor::new([1i64, -1]).into());
        assert_eq!(read["mask"], Tensor::new([true, false]).into());
        assert_eq!(read["small"], Tensor::new([-1i32, 300]).into());
    }
    let gone = AnyTensor::load_npz("/no/such/file.npz")
        .unwrap_err()
        .to_string();
    assert!(gone.starts_with("load_npz: /no/such/file.npz: "), "{gone}");
}

#[test]
fn archives_that_lie_are_refused() {
    let good = || {
        file(
            "a.npy",
            &AnyTensor::from(Tensor::new([1.0f32, 2.0])).to_npy(),
            true,
        )
    };
    let with = |change: &dyn Fn(&mut File)| {
        let mut f = good();
        change(&mut f);
        refusal(&archive(&[f], b""))
    };
    let e = with(&|f| f.crc ^= 1);
    assert!(e.starts_with("npz: a.npy: its checksum is wrong"), "{e}");
    assert!(with(&|f| f.size += 1).contains("fewer than the 137 bytes"));
    assert!(with(&|f| f.size -= 1).contains("more than the 135 bytes"));
    assert!(
        with(&|f| f.size = u64::from(u32::MAX) - 1).contains("unpacks to more than 1048576 bytes")
    );
    assert!(with(&|f| (f.wide, f.size) = (true, u64::MAX)).contains("unpacks to more than"));
    assert!(with(&|f| f.flags = 1).contains("encrypted"));
    assert!(with(&|f| f.method = 12).contains("method 12"));
    assert!(
        with(&|f| f.name = "a.txt".into()).contains("a.txt: an npz file holds npy files alone")
    );
    assert!(with(&|f| f.data.truncate(9)).contains("a.npy"));
    assert!(with(&|f| (f.method, f.size) = (0, 3)).contains("more than the 3 bytes"));
    let twice = refusal(&archive(&[good(), good()], b""));
    assert!(twice.contains("two files of this name"), "{twice}");
    let object =
        b"\x93NUMPY\x01\0\x3a\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }   \nx";
    let e = refusal(&archive(&[file("o.npy", object, false)], b""));
    assert!(
        e.contains("o.npy: npy: element type \"|O\": Python objects") && e.contains("\n  hint"),
        "{e}"
    );
    for nothing in [&b""[..], b"PK", b"PK\x03\x04", &[0; 100]] {
        assert!(refusal(nothing).contains("no zip archive"));
    }
    // Zeros that unpack a thousandfold, and many files on the same bytes.
    let bomb = file("a.npy", &vec![0; 64 << 20], true);
    assert!(refusal(&archive(std::slice::from_ref(&bomb), b"")).contains("unpacks to more than"));
    let mut lie = bomb;
    lie.size = 100;
    assert!(refusal(&archive(&[lie], b"")).contains("more than the 100 bytes"));
    let limit = |n| AnyTensor::from_npz(&archive(&files(true), b""), n);
    let whole: u64 = files(true).iter().map(|f| f.size).sum();
    assert!(limit(whole).is_ok() && limit(whole - 1).is_err());
}

#[test]
fn archives_cut_or_changed_anywhere_are_errors_or_tensors() {
    for packed in [false, true] {
        let whole = archive(&files(packed), b"");
        for end in 0..whole.len() {
            assert!(
                AnyTensor::from_npz(&whole[..end], AMPLE).is_err(),
                "cut at {end}"
            );
        }
        for (i, bit) in (0..whole.len()).flat_map(|i| [(i, 1u8), (i, 0x80)]) {
            let mut changed = whole.clone();
            changed[i] ^= bit;
            let _: Result<_> = AnyTensor::from_npz(&changed, AMPLE);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(noise in prop::collection::vec(any::<u8>(), 0..80), at in any::<u32>(), n in any::<u16>()) {
        let _ = AnyTensor::from_npz(&noise, AMPLE);
        let mut end = noise;
        end.extend(b"PK\x06\x07\0\0\0\0");
        end.extend(u64::from(at % 100).to_le_bytes());
        end.extend([1, 0, 0, 0]);
        end.extend(b"PK\x05\x06\0\0\0\0");
        end.extend(n.to_le_bytes());
        end.extend(n.to_le_bytes());
        end.extend([0; 4]);
        end.extend((at % 100).to_le_bytes());
        end.extend([0, 0]);
        let _ = AnyTensor::from_npz(&end, AMPLE);
        let _ = AnyTensor::from_npz(&end[end.len() - 22..], AMPLE);
    }
}
