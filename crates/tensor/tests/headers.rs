//! What refuses a file takes little more memory than the file. One test in a process of its own, whose allocator counts.

#[path = "common/counting.rs"]
mod counting;

use std::fmt::Write as _;

use counting::peak;
use wengert_tensor::{AnyTensor, Safetensors, memory};

/// A file of this header, and so many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

/// A header of these fields.
fn header(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.collect();
    format!("{{{}}}", fields.join(","))
}

fn npy(header: &str, data: usize) -> Vec<u8> {
    let mut out = b"\x93NUMPY\x02\x00".to_vec();
    out.extend((header.len() as u32).to_le_bytes());
    out.extend(header.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

#[test]
fn what_refuses_a_file_takes_little_more_than_the_file() {
    memory::set_cache_limit(0);
    let entry = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    let names = |n: usize| (0..n).map(move |i| format!("\"layer.{i:015}\":{entry}"));
    let last = |more: &str| header(names(100_000).chain([more.to_string()]));
    let mut texts = String::from("{\"__metadata__\":{");
    for i in 0..200_000 {
        let _ = write!(texts, "\"{i:x}\":\"\",");
    }
    texts.pop();
    texts.push('}');
    let escapes = "\\n".repeat(1 << 20);
    let ones = "1,".repeat(1 << 20);
    let zeros = "0,".repeat(1 << 20);
    let files = [
        (
            "100 000 names and a byte more",
            file(&header(names(100_000)), 1),
        ),
        (
            "a name twice",
            file(&last(&format!("\"layer.{:015}\":{entry}", 77)), 0),
        ),
        (
            "a type that tensors have not",
            file(
                &last(r#""x":{"dtype":"C64","shape":[0],"data_offsets":[0,0]}"#),
                0,
            ),
        ),
        ("no truth value", {
            let mut f = file(
                &last(r#""x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}"#),
                1,
            );
            *f.last_mut().unwrap() = 2;
            f
        }),
        ("200 000 empty texts and an end too soon", file(&texts, 0)),
        (
            "200 000 empty texts and a byte more",
            file(&format!("{texts}}}"), 1),
        ),
        (
            "a name of a million escapes",
            file(&format!("{{\"{escapes}\":{entry}}}"), 1),
        ),
        (
            "a name of a million escapes without a shape",
            file(&format!("{{\"{escapes}\":{{}}}}"), 0),
        ),
        (
            "a key of a million escapes",
            file(&format!("{{\"x\":{{\"{escapes}\":0}}}}"), 0),
        ),
        (
            "a type of a million escapes",
            file(&format!("{{\"x\":{{\"dtype\":\"{escapes}\"}}}}"), 0),
        ),
        (
            "a million axes of 1",
            file(
                &format!(
                    "{{\"x\":{{\"dtype\":\"U8\",\"shape\":[{ones}1],\"data_offsets\":[0,1]}}}}"
                ),
                0,
            ),
        ),
        (
            "a million axes of 0",
            file(
                &format!(
                    "{{\"x\":{{\"dtype\":\"U8\",\"shape\":[{zeros}0],\"data_offsets\":[0,1]}}}}"
                ),
                1,
            ),
        ),
        ("a number beyond i64 behind many that are not", {
            let mut bytes = file(
                "{\"a\":{\"dtype\":\"U64\",\"shape\":[500000],\"data_offsets\":[0,4000000]},\
                 \"b\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[4000000,4000008]}}",
                4_000_008,
            );
            if let Some(last) = bytes.last_mut() {
                *last = 255;
            }
            bytes
        }),
        ("a header of 2⁶³ bytes", (1u64 << 63).to_le_bytes().to_vec()),
    ];
    for (name, bytes) in files {
        let (taken, read) = peak(|| Safetensors::from_bytes(&bytes));
        // The file itself is held as well.
        assert!(read.is_err(), "{name}");
        assert!(
            taken <= bytes.len() + (1 << 20),
            "{name}: {taken} bytes for {}",
            bytes.len()
        );
        assert!(read.unwrap_err().to_string().len() < 2000, "{name}");
    }
    let shape =
        |sizes: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}\n");
    let files = [
        ("a million axes of 1", npy(&shape(&ones), 5)),
        ("a million axes of 0", npy(&shape(&zeros), 4)),
        ("a size of 2⁶³", npy(&shape("9223372036854775808,"), 4)),
        ("more than there is", npy(&shape("1000000000000,"), 4)),
        ("a long key", npy(&format!("{{'{escapes}': 1}}"), 0)),
        (
            "a long type",
            npy(
                &format!("{{'descr': '{escapes}', 'fortran_order': False, 'shape': (), }}"),
                4,
            ),
        ),
        (
            "a header of 4 GiB",
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(),
        ),
    ];
    for (name, bytes) in files {
        let (taken, read) = peak(|| AnyTensor::from_npy(&bytes));
        assert!(read.is_err(), "{name}");
        assert!(
            taken <= bytes.len() + (1 << 20),
            "{name}: {taken} bytes for {}",
            bytes.len()
        );
        assert!(read.unwrap_err().to_string().len() < 2000, "{name}");
    }
    // What is well formed is read, with all of its axes.
    let many = AnyTensor::from_npy(&npy(&shape(&"1,".repeat(3000)), 4)).unwrap();
    assert_eq!(many.shape().len(), 3000);
    let header = format!(
        "{{\"x\":{{\"dtype\":\"U8\",\"shape\":[{}1],\"data_offsets\":[0,1]}}}}",
        "1,".repeat(2999)
    );
    let many = Safetensors::from_bytes(&file(&header, 1)).unwrap();
    assert_eq!(many.tensors["x"].shape().len(), 3000);
}
