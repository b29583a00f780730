//! Files: what is written reads back; NumPy's own bytes; nothing hostile panics or asks for memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wengert_tensor::{AnyTensor, ErrorKind, Result, Safetensors, Slice, Tensor, write_atomic};

fn every_dtype() -> Vec<AnyTensor> {
    let x = Tensor::<f64>::new([[0.5, -1.25, f64::INFINITY], [1e-300, -0.0, 3.0]]);
    vec![
        x.clone().into(),
        x.cast::<f32>().into(),
        Tensor::new([i64::MIN, -1, i64::MAX]).into(),
        Tensor::new([[i32::MIN], [i32::MAX]]).into(),
        Tensor::new([0u8, 255]).into(),
        Tensor::new([true, false, true]).into(),
        Tensor::<f64>::scalar(7.0).into(),
        Tensor::<f32>::zeros([2, 0, 3]).into(),
        x.t().unwrap().into(),
        x.slice(1, Slice::all().step(-2)).unwrap().into(),
        x.narrow(1, 1, 1).unwrap().expand([4, 2, 2]).unwrap().into(),
    ]
}

#[test]
fn npy_reads_what_it_wrote() {
    for t in every_dtype() {
        let bytes = t.to_npy();
        assert_eq!(AnyTensor::from_npy(&bytes).unwrap(), t);
        assert_eq!(
            (bytes.len() - t.len() * t.dtype().size()) % 64,
            0,
            "the data are not aligned"
        );
    }
    let nan = AnyTensor::from_npy(&AnyTensor::from(Tensor::new([f32::NAN])).to_npy()).unwrap();
    assert!(nan.downcast::<f32>().unwrap().item().unwrap().is_nan());
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|p| digit(p[0]) * 16 + digit(p[1]))
        .collect()
}

/// A header as NumPy writes it, padded with `spaces`.
fn numpy(version: u8, text: &str, spaces: usize, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY".to_vec();
    out.extend([version, 0]);
    let header = format!("{text}{}\n", " ".repeat(spaces));
    match version {
        1 => out.extend((header.len() as u16).to_le_bytes()),
        _ => out.extend((header.len() as u32).to_le_bytes()),
    }
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

#[test]
fn npy_reads_numpys_own() {
    // np.lib.format.write_array of NumPy 2.4, the padding written as its length.
    let data: Vec<u8> = [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let fortran = numpy(
        1,
        "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }",
        59,
        &data,
    );
    let want = Tensor::new([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0f64]]);
    assert_eq!(AnyTensor::from_npy(&fortran).unwrap(), want.into());

    let big = numpy(
        2,
        "{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }",
        58,
        &bytes("00000001fffffffe"),
    );
    assert_eq!(
        AnyTensor::from_npy(&big).unwrap(),
        Tensor::new([1i32, -2]).into()
    );

    let flag = numpy(
        1,
        "{'descr': '|b1', 'fortran_order': False, 'shape': (), }",
        62,
        &[1],
    );
    assert_eq!(
        AnyTensor::from_npy(&flag).unwrap(),
        Tensor::scalar(true).into()
    );

    let small = numpy(
        3,
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }",
        57,
        &[7, 8],
    );
    assert_eq!(
        AnyTensor::from_npy(&small).unwrap(),
        Tensor::new([[7u8], [8]]).into()
    );
    assert_eq!(
        AnyTensor::from(Tensor::<f64>::zeros([2, 3])).to_npy()[..128],
        {
            let own = numpy(
                1,
                "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }",
                58,
                &[],
            );
            own[..128].to_vec()
        }
    );
}

fn refusal<X>(r: Result<X>) -> String {
    match r {
        Ok(_) => panic!("no error"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn npy_refuses_headers_that_lie() {
    let of = |text: &str, data: &[u8]| refusal(AnyTensor::from_npy(&numpy(1, text, 0, data)));
    let shape = |shape: &str, data: &[u8]| {
        of(
            &format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"),
            data,
        )
    };
    assert_eq!(
        shape("(2,)", &[0; 7]),
        "npy: the header says f32 [2], which takes 8 bytes, but 7 follow (at byte 66)"
    );
    assert!(shape("(2,)", &[0; 9]).contains("takes 8 bytes, but 9 follow"));
    assert!(
        shape("(1099511627776, 1099511627776)", &[]).contains("overflows the bytes, but 0 follow")
    );
    assert!(shape("(4611686018427387904,)", &[]).contains("overflows the bytes"));
    assert!(shape("(18446744073709551616,)", &[]).contains("a size should stand before"));
    assert!(shape("(-1,)", &[]).starts_with("npy: a size should stand before \"-1,)}"));
    assert!(shape("3", &[]).contains("( should stand before"));
    let complex = of(
        "{'descr': '<c8', 'fortran_order': False, 'shape': ()}",
        &[0; 8],
    );
    assert!(
        complex.starts_with(
            "npy: element type \"<c8\": complex numbers (at byte 19)\n  hint  tensors are of f32"
        ),
        "{complex}"
    );
    assert!(
        of(
            "{'descr': '|f4', 'fortran_order': False, 'shape': ()}",
            &[0; 4]
        )
        .contains("element type \"|f4\"")
    );
    assert!(
        of("{'descr': '<f4', 'shape': ()}", &[0; 4])
            .contains("lacks one of descr, fortran_order, shape")
    );
    let twice = "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}";
    assert!(of(twice, &[0; 4]).contains("unexpected key \"descr\""));
    assert!(
        of("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", &[0; 4]).contains("True or False")
    );
    assert!(
        of(
            "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
            &[0; 4]
        )
        .contains("nothing should stand")
    );
    assert!(
        of(
            "{'descr': '|b1', 'fortran_order': False, 'shape': ()}",
            &[2]
        )
        .contains("2 is no bool")
    );
    assert!(refusal(AnyTensor::from_npy(b"hello")).contains("does not start with"));
    let mut future = Tensor::new([1.0f32])
        .copied()
        .as_slice()
        .map(|_| numpy(1, "", 0, &[]))
        .unwrap();
    future[6] = 9;
    assert!(refusal(AnyTensor::from_npy(&future)).contains("version 9"));
}

fn archive() -> Safetensors {
    let mut file = Safetensors::default();
    for (i, t) in every_dtype().into_iter().enumerate() {
        file.tensors.insert(format!("layer.{i}"), t);
    }
    file.metadata.insert("format".into(), "pt".into());
    file
}

#[test]
fn safetensors_reads_what_it_wrote() {
    for file in [archive(), Safetensors::default()] {
        assert_eq!(
            Safetensors::from_bytes(&file.to_bytes().unwrap()).unwrap(),
            file
        );
    }
    let mut reserved = Safetensors::default();
    reserved
        .tensors
        .insert("__metadata__".into(), Tensor::new([1.0f32]).into());
    assert!(refusal(reserved.to_bytes()).starts_with("to_bytes: name = __metadata__"));
}

/// A safetensors file of this header and data.
fn safe(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

#[test]
fn safetensors_refuses_headers_that_lie() {
    let entry = |name: &str, shape: &str, from: usize, to: usize| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
    };
    let of = |entries: &[String], data: usize| {
        refusal(Safetensors::from_bytes(&safe(
            &format!("{{{}}}", entries.join(",")),
            &vec![0; data],
        )))
    };
    let good = safe(&format!("{{{}}}", entry("a", "[2]", 0, 8)), &[0; 8]);
    assert!(Safetensors::from_bytes(&good).is_ok());
    for message in [
        of(&[entry("a", "[2]", 0, 8)], 9), // trailing
        of(&[entry("a", "[2]", 0, 8)], 7), // cut
        of(&[entry("a", "[2]", 0, 8), entry("b", "[2]", 4, 12)], 12), // overlap
        of(&[entry("a", "[2]", 0, 8), entry("b", "[2]", 12, 20)], 20), // hole
        of(&[entry("a", "[2]", 8, 0)], 8), // backwards
        of(&[entry("a", "[3]", 0, 8)], 8), // another size
        of(&[entry("a", "[4611686018427387904,4]", 0, 0)], 0), // wraps to 0
        of(&[entry("a", "[1099511627776]", 0, 4398046511104)], 0), // terabytes
        of(&[entry("a", "[2]", 0, 8), entry("a", "[2]", 0, 8)], 8), // twice
        of(&[entry("a", "[0]", 0, 0), entry("a", "[0]", 0, 0)], 0), // twice, empty
        refusal(Safetensors::from_bytes(&u64::MAX.to_le_bytes())),
        refusal(Safetensors::from_bytes(&[0; 3])),
    ] {
        assert!(message.starts_with("safetensors: "), "{message}");
    }
    let complex = "{\"w\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}";
    let message = refusal(Safetensors::from_bytes(&safe(complex, &[0; 8])));
    assert_eq!(
        message,
        "safetensors: w is of element type C64: complex numbers (at byte 8)\n  hint  tensors are of f32, f64, i64, i32, u8 and bool; convert the \
         file to one of them"
    );
    let flag = "{\"w\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    let message = refusal(Safetensors::from_bytes(&safe(flag, &[1, 3])));
    assert!(
        message.starts_with("safetensors: 3 is no bool"),
        "{message}"
    );
}

/// Elements of a type that tensors have not, little-endian, and the tensor that they become.
fn widened() -> Vec<(&'static str, &'static str, Vec<u8>, AnyTensor)> {
    fn le<const N: usize>(values: &[[u8; N]]) -> Vec<u8> {
        values.concat()
    }
    let halves = [0x3c00u16, 0xc000, 0x7bff, 0x0001, 0x7c00].map(u16::to_le_bytes);
    let brains = [0x3f80u16, 0xc049, 0x0001].map(u16::to_le_bytes);
    let inf = f32::INFINITY;
    vec![
        (
            "f2",
            "F16",
            le(&halves),
            Tensor::new([1.0f32, -2.0, 65504.0, 2f32.powi(-24), inf]).into(),
        ),
        (
            "",
            "BF16",
            le(&brains),
            Tensor::new([1.0f32, -3.140625, f32::from_bits(1 << 16)]).into(),
        ),
        (
            "",
            "F8_E4M3",
            vec![0x38, 0xfe, 1],
            Tensor::new([1.0f32, -448.0, 2f32.powi(-9)]).into(),
        ),
        (
            "",
            "F8_E5M2",
            vec![0x3c, 0xfc, 1],
            Tensor::new([1.0f32, -inf, 2f32.powi(-16)]).into(),
        ),
        (
            "i1",
            "I8",
            vec![0x80, 0x7f],
            Tensor::new([-128i32, 127]).into(),
        ),
        (
            "i2",
            "I16",
            le(&[i16::MIN, 258].map(i16::to_le_bytes)),
            Tensor::new([-32768i32, 258]).into(),
        ),
        (
            "u2",
            "U16",
            le(&[u16::MAX, 258].map(u16::to_le_bytes)),
            Tensor::new([65535i32, 258]).into(),
        ),
        (
            "u4",
            "U32",
            le(&[u32::MAX, 258].map(u32::to_le_bytes)),
            Tensor::new([4294967295i64, 258]).into(),
        ),
        (
            "u8",
            "U64",
            le(&[i64::MAX as u64, 258].map(u64::to_le_bytes)),
            Tensor::new([i64::MAX, 258]).into(),
        ),
    ]
}

#[test]
fn types_that_tensors_have_not_are_widened() {
    for (npy, name, data, tensor) in widened() {
        let n = tensor.len();
        let size = data.len() / n;
        let file = safe(
            &format!(
                "{{\"w\":{{\"dtype\":\"{name}\",\"shape\":[{n}],\"data_offsets\":[0,{}]}}}}",
                data.len()
            ),
            &data,
        );
        assert_eq!(
            Safetensors::from_bytes(&file).unwrap().tensors["w"],
            tensor,
            "{name}"
        );
        let cut = safe(
            &format!(
                "{{\"w\":{{\"dtype\":\"{name}\",\"shape\":[{}],\"data_offsets\":[0,{}]}}}}",
                n + 1,
                data.len()
            ),
            &data,
        );
        assert!(
            refusal(Safetensors::from_bytes(&cut)).contains("does not fill bytes"),
            "{name}"
        );
        if npy.is_empty() {
            continue;
        }
        let header = |order: &str| {
            format!("{{'descr': '{order}{npy}', 'fortran_order': False, 'shape': ({n},)}}")
        };
        let little = AnyTensor::from_npy(&numpy(1, &header("<"), 0, &data));
        assert_eq!(little.unwrap(), tensor, "{npy}");
        let swapped: Vec<u8> = data
            .chunks(size)
            .flat_map(|v| v.iter().rev().copied())
            .collect();
        let big = AnyTensor::from_npy(&numpy(1, &header(">"), 0, &swapped));
        assert_eq!(big.unwrap(), tensor, "{npy}");
        assert!(AnyTensor::from_npy(&numpy(1, &header("<"), 0, &data[1..])).is_err());
    }
    // In Fortran order as well: the columns of [[1, 2], [3, 4]].
    let columns = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2)}";
    let t = AnyTensor::from_npy(&numpy(1, columns, 0, &[1, 0, 3, 0, 2, 0, 4, 0]));
    assert_eq!(t.unwrap(), Tensor::new([[1i32, 2], [3, 4]]).into());
    // What no i64 holds.
    let beyond = (1u64 << 63).to_le_bytes();
    let header = "{'descr': '<u8', 'fortran_order': False, 'shape': (2,)}";
    let e = refusal(AnyTensor::from_npy(&numpy(
        1,
        header,
        0,
        &[[0; 8], beyond].concat(),
    )));
    assert!(e.contains("beyond the largest i64 (at byte 74)"), "{e}");
    let (big, top) = (header.replace('<', ">"), (1u64 << 63).to_be_bytes());
    assert!(AnyTensor::from_npy(&numpy(1, &big, 0, &[[0; 8], top].concat())).is_err());
    assert!(
        AnyTensor::from_npy(&numpy(
            1,
            &big,
            0,
            &[[0; 8], [0, 0, 0, 0, 0, 0, 0, 255]].concat()
        ))
        .is_ok()
    );
    for (descr, what) in [
        ("<c16", "complex"),
        ("|O", "Python objects"),
        ("<U3", "texts"),
        ("<M8[ns]", "times"),
        ("|V2", "records"),
        ("<f16", "floats of another"),
    ] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,)}}");
        let e = refusal(AnyTensor::from_npy(&numpy(1, &header, 0, &[0; 16])));
        assert!(e.contains(what), "{e}");
    }
}

#[test]
fn files_cut_at_every_byte_are_errors() {
    for t in every_dtype() {
        let whole = t.to_npy();
        for end in 0..whole.len() {
            assert!(
                AnyTensor::from_npy(&whole[..end]).is_err(),
                "npy cut at {end} of {}",
                whole.len()
            );
        }
    }
    let whole = archive().to_bytes().unwrap();
    for end in 0..whole.len() {
        assert!(
            Safetensors::from_bytes(&whole[..end]).is_err(),
            "safetensors cut at {end} of {}",
            whole.len()
        );
    }
}

#[test]
fn no_changed_byte_panics() {
    let (npy, safe) = (every_dtype()[0].to_npy(), archive().to_bytes().unwrap());
    for bit in 0..8 {
        for i in 0..npy.len() {
            let mut changed = npy.clone();
            changed[i] ^= 1 << bit;
            let _ = AnyTensor::from_npy(&changed);
        }
        for i in 0..safe.len() {
            let mut changed = safe.clone();
            changed[i] ^= 1 << bit;
            let _ = Safetensors::from_bytes(&changed);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(noise in prop::collection::vec(any::<u8>(), 0..200), text in "[{}()'\":,a-z0-9<>|_ ]{0,80}") {
        let _ = AnyTensor::from_npy(&noise);
        let _ = AnyTensor::from_npy(&numpy(1, &text, 0, &noise));
        let _ = Safetensors::from_bytes(&noise);
        let _ = Safetensors::from_bytes(&safe(&text, &noise));
    }
}

#[test]
fn files_replace_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weights.npy");
    let t = Tensor::<f64>::new([[1.0, 2.0]]);
    t.save_npy(&path).unwrap();
    let failed = write_atomic(&path, |f| {
        f.write_all(&[0; 100_000])?;
        Err(std::io::Error::other("disk full"))
    });
    let message = refusal(failed);
    assert_eq!(message, format!("write: {}: disk full", path.display()));
    assert_eq!(Tensor::<f64>::load_npy(&path).unwrap(), t);
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "a temporary file is left"
    );
    archive().save(&path).unwrap();
    assert_eq!(Safetensors::load(&path).unwrap(), archive());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let nowhere = dir.path().join("none").join("x.npy");
    assert!(matches!(
        t.save_npy(&nowhere).unwrap_err().kind(),
        ErrorKind::Io {
            kind: std::io::ErrorKind::NotFound,
            ..
        }
    ));
    let e = Safetensors::load(&nowhere).unwrap_err();
    assert_eq!(e.site().op, "load");
    assert!(matches!(e.kind(), ErrorKind::Io { .. }));
    assert!(write_atomic("/", |_| Ok(())).is_err());
}

#[test]
fn another_type_than_asked_for_is_named() {
    let any = AnyTensor::from(Tensor::new([1i64, 2]));
    let message = refusal(any.downcast::<f32>());
    assert!(
        message.starts_with(
            "downcast: T = f32\n  self  i64 [2]\n  rule  T is the tensor's own type\n  at"
        ),
        "{message}"
    );
    assert!(
        message.ends_with("hint  downcast::<i64>() and then cast()"),
        "{message}"
    );
    let _: BTreeMap<String, AnyTensor> = archive().tensors;
}
