//! IDX, MNIST and CSV files: what they hold, and hostile ones.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use wengert_nn::data::{Column, Csv, DEFAULT_LIMIT, Mnist, idx};
use wengert_tensor::{AnyTensor, DType, Tensor};

const AMPLE: u64 = 1 << 20;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn idx_file(code: u8, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0, code, dims.len() as u8];
    dims.iter().for_each(|d| out.extend(d.to_be_bytes()));
    out.extend(data);
    out
}

fn refused(bytes: &[u8], limit: u64) -> String {
    idx::parse(bytes, limit).unwrap_err().to_string()
}

#[test]
fn idx_of_every_type() {
    let bytes = |parts: &[[u8; 4]]| parts.concat();
    let cases: [(u8, Vec<u8>, AnyTensor); 6] = [
        (0x08, vec![0, 255], Tensor::new([0u8, 255]).into()),
        (0x09, vec![0x80, 127], Tensor::new([-128i32, 127]).into()),
        (
            0x0B,
            vec![0xff, 0xfe, 1, 2],
            Tensor::new([-2i32, 258]).into(),
        ),
        (
            0x0C,
            bytes(&[i32::MIN.to_be_bytes(), 7i32.to_be_bytes()]),
            Tensor::new([i32::MIN, 7]).into(),
        ),
        (
            0x0D,
            bytes(&[0.1f32.to_be_bytes(), (-2.5f32).to_be_bytes()]),
            Tensor::new([0.1f32, -2.5]).into(),
        ),
        (
            0x0E,
            [0.1f64.to_be_bytes(), (-2.5f64).to_be_bytes()].concat(),
            Tensor::new([0.1f64, -2.5]).into(),
        ),
    ];
    for (code, data, expected) in cases {
        let file = idx_file(code, &[2], &data);
        assert!(idx::parse(&file, AMPLE).unwrap() == expected, "{code:#x}");
        assert!(
            idx::parse(&gz(&file), AMPLE).unwrap() == expected,
            "{code:#x}"
        );
    }
    for (dims, n) in [
        (vec![], 1),
        (vec![0], 0),
        (vec![2, 1, 3], 6),
        (vec![4, 0, 2], 0),
    ] {
        let t = idx::parse(&idx_file(8, &dims, &vec![5; n]), AMPLE).unwrap();
        let expected: Vec<usize> = dims.iter().map(|d| *d as usize).collect();
        assert_eq!((t.dtype(), t.shape().to_vec()), (DType::U8, expected));
    }
}

#[test]
fn idx_cut_anywhere_is_refused() {
    let file = idx_file(0x0B, &[2, 3], &[1; 12]);
    for cut in 0..file.len() {
        let text = refused(&file[..cut], AMPLE);
        assert!(text.starts_with("IDX bytes: "), "{cut}: {text}");
    }
    let packed = gz(&file);
    for cut in 0..packed.len() {
        refused(&packed[..cut], AMPLE);
    }
    assert_eq!(
        refused(&file[..15], AMPLE),
        "IDX bytes: the header says i16 [2, 3], which takes 12 bytes, but only 3 follow"
    );
    assert_eq!(
        refused(&file[..9], AMPLE),
        "IDX bytes: cut short: 2 axes need a header of 12 bytes, 9 are there"
    );
}

#[test]
fn idx_with_something_behind_is_refused() {
    let mut file = idx_file(0x08, &[2], &[1, 2]);
    let mut packed = gz(&file);
    packed.push(0);
    refused(&packed, AMPLE);
    file.push(0);
    let text = "IDX bytes: the header says u8 [2], which takes 2 bytes, but more follow";
    assert_eq!(refused(&file, AMPLE), text);
    assert_eq!(refused(&gz(&file), AMPLE), text);
}

#[test]
fn idx_of_a_damaged_gzip_is_refused() {
    let file = idx_file(0x08, &[64], &(0..64).collect::<Vec<u8>>());
    let packed = gz(&file);
    let whole = idx::parse(&packed, AMPLE).unwrap();
    for at in 0..packed.len() {
        let mut bad = packed.clone();
        bad[at] ^= 0x10;
        // Some bits mean nothing (the time of packing), and one in a code may go unused; but what is
        // read is what was packed.
        if let Ok(t) = idx::parse(&bad, AMPLE) {
            assert!(t == whole, "byte {at}");
        }
    }
    // Checksum and length.
    for at in packed.len() - 8..packed.len() {
        let mut bad = packed.clone();
        bad[at] ^= 1;
        refused(&bad, AMPLE);
    }
}

#[test]
fn idx_headers_that_lie() {
    let wrong = |bytes: &[u8]| refused(bytes, AMPLE);
    assert!(wrong(&[]).contains("not IDX: the file starts with []"));
    assert!(wrong(b"PK\x03\x04").contains("starts with [50, 4b, 03, 04]"));
    assert!(wrong(&[0, 1, 8, 1, 0, 0, 0, 0]).contains("not IDX"));
    for code in (0..=255).filter(|c| ![0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E].contains(c)) {
        assert!(wrong(&idx_file(code, &[1], &[1; 8])).contains("element type"));
    }
    // 64 TiB: no machine gives that much on a header's word.
    let huge = idx_file(0x08, &[1 << 31, 1 << 15], &[1; 10]);
    assert!(wrong(&huge).contains("takes 70368744177664 bytes, but only 10 follow"));
    assert!(wrong(&gz(&huge)).contains("it unpacks to more than 1048576 bytes"));
    for dims in [
        vec![u32::MAX; 2],
        vec![u32::MAX; 255],
        vec![0, u32::MAX, u32::MAX, u32::MAX],
    ] {
        for code in [0x08, 0x0E] {
            let file = idx_file(code, &dims, &[]);
            for file in [gz(&file), file] {
                let text = refused(&file, u64::MAX);
                let fits = text.contains("but only 0 follow");
                assert!(fits || text.contains("overflows"), "{text}");
            }
        }
    }
}

#[test]
fn gzip_bombs_are_refused() {
    let zeros = vec![0; 32 << 20];
    // A header that tells the truth.
    let mut true_header = idx_file(0x08, &[zeros.len() as u32], &[]);
    true_header.extend(&zeros);
    let bomb = gz(&true_header);
    assert!(bomb.len() < 100_000);
    assert!(refused(&bomb, AMPLE).contains("it unpacks to more than 1048576 bytes"));
    let size = true_header.len() as u64;
    assert!(refused(&bomb, size - 1).contains("unpacks to more than"));
    assert_eq!(idx::parse(&bomb, size).unwrap().len(), zeros.len());
    // One that says less than follows, and one behind which nothing but zeros come.
    let mut lie = idx_file(0x08, &[10], &[]);
    lie.extend(&zeros);
    assert!(refused(&gz(&lie), AMPLE).contains("takes 10 bytes, but more follow"));
    assert!(refused(&gz(&zeros), AMPLE).contains("not IDX"));
    // The limit that holds if none is set.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.gz");
    std::fs::write(&path, gz(&idx_file(0x08, &[1 << 20, 1 << 10], &[]))).unwrap();
    let text = idx::read(&path).unwrap_err().to_string();
    assert!(
        text.contains(&format!("more than {DEFAULT_LIMIT} bytes")),
        "{text}"
    );
    let text = idx::read_within(&path, u64::MAX).unwrap_err().to_string();
    assert!(text.contains("but only 0 follow"), "{text}");
    // Text.
    let text = format!("a\n{}", "1\n".repeat(1 << 20));
    let limited = Csv::new()
        .limit(AMPLE)
        .parse(gz(text.as_bytes()))
        .unwrap_err();
    assert!(
        limited
            .to_string()
            .contains("unpacks to more than 1048576 bytes")
    );
    assert!(Csv::new().limit(AMPLE).parse(gz(&zeros)).is_err());
    assert_eq!(
        Csv::new().limit(AMPLE).parse(&text).unwrap().rows(),
        1 << 20
    );
    let exact = Csv::new()
        .limit(text.len() as u64)
        .parse(gz(text.as_bytes()));
    assert_eq!(exact.unwrap().rows(), 1 << 20);
    let one_less = Csv::new()
        .limit(text.len() as u64 - 1)
        .parse(gz(text.as_bytes()));
    assert!(one_less.is_err());
}

/// A pair of files of `n` images, the i-th of which is all i, with label i mod 10.
fn write_mnist(dir: &Path, name: &str, n: u8, packed: bool) {
    let images: Vec<u8> = (0..n).flat_map(|i| [i; 784]).collect();
    let labels: Vec<u8> = (0..n).map(|i| i % 10).collect();
    for (kind, file) in [
        ("images-idx3", idx_file(0x08, &[n as u32, 28, 28], &images)),
        ("labels-idx1", idx_file(0x08, &[n as u32], &labels)),
    ] {
        let path = dir.join(format!("{name}-{kind}-ubyte"));
        match packed {
            true => std::fs::write(path.with_extension("gz"), gz(&file)).unwrap(),
            false => std::fs::write(path, file).unwrap(),
        }
    }
}

#[test]
fn mnist_from_plain_and_packed_files() {
    let dir = tempfile::tempdir().unwrap();
    write_mnist(dir.path(), "t10k", 12, true);
    let (x, y) = Mnist::test(dir.path()).unwrap();
    assert_eq!(
        (x.shape().to_vec(), y.shape().to_vec()),
        (vec![12, 784], vec![12])
    );
    let expected: Vec<f32> = (0..12u8).flat_map(|i| [i as f32 / 255.0; 784]).collect();
    assert_eq!(x.to_vec(), expected);
    assert_eq!(y.to_vec(), (0..12).map(|i| i % 10).collect::<Vec<i64>>());
    assert!(Mnist::load(dir.path()).is_err());
    write_mnist(dir.path(), "train", 200, false);
    let all = Mnist::load(dir.path()).unwrap();
    assert_eq!((all.train.1.len(), all.test.1.len()), (200, 12));
    // A plain file that is gzipped all the same.
    let labels = dir.path().join("train-labels-idx1-ubyte");
    std::fs::write(&labels, gz(&std::fs::read(&labels).unwrap())).unwrap();
    assert_eq!(
        Mnist::train(dir.path()).unwrap().1.to_vec(),
        all.train.1.to_vec()
    );
}

#[test]
fn mnist_files_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let (images, labels) = (
        path.join("t10k-images-idx3-ubyte"),
        path.join("t10k-labels-idx1-ubyte"),
    );
    let wrong = |i: Vec<u8>, l: Vec<u8>, part: &str| {
        std::fs::write(&images, i).unwrap();
        std::fs::write(&labels, l).unwrap();
        let text = Mnist::test(path).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    };
    let (two, image) = (
        idx_file(8, &[2], &[0, 1]),
        idx_file(8, &[1, 28, 28], &[0; 784]),
    );
    wrong(
        image.clone(),
        two.clone(),
        "u8 [1, 28, 28] with labels u8 [2]",
    );
    wrong(two.clone(), two, "images are [N, 28, 28], labels [N]");
    wrong(image.clone(), idx_file(8, &[1], &[10]), "label 10");
    wrong(image.clone(), idx_file(9, &[1], &[1]), "elements are i32");
    wrong(image.clone(), image[..50].to_vec(), "but only 34 follow");
}

#[test]
fn a_directory_without_mnist_says_what_it_wants() {
    let dir = tempfile::tempdir().unwrap();
    let text = Mnist::test(dir.path()).unwrap_err().to_string();
    let place = dir.path().display().to_string();
    let wanted = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];
    assert!(wanted.iter().all(|name| text.contains(name)), "{text}");
    assert!(text.contains(&format!("put them into {place}")), "{text}");
    assert!(Mnist::load(dir.path().join("nowhere")).is_err());
    let missing = idx::read(dir.path().join("no.idx"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("no.idx: "), "{missing}");
    assert!(idx::read(dir.path()).is_err());
}

#[test]
fn the_real_mnist() {
    let Some(data) = std::env::var_os("WENGERT_DATA") else {
        eprintln!("WENGERT_DATA is not set: the real MNIST is not read, a missing one is");
        let text = Mnist::test("no such directory").unwrap_err().to_string();
        assert!(text.contains("put them into no such directory"), "{text}");
        return;
    };
    let (x, y) = Mnist::test(Path::new(&data).join("mnist")).unwrap();
    assert_eq!(
        (x.shape().to_vec(), y.shape().to_vec()),
        (vec![10_000, 784], vec![10_000])
    );
    // As published: the images of each digit, and the mean and deviation of the pixels.
    let counts: Vec<usize> = (0..10)
        .map(|d| y.iter().filter(|l| *l == d).count())
        .collect();
    assert_eq!(
        counts,
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
    let x = x.cast::<f64>();
    let mean = x.mean_all().item().unwrap();
    let square = (&x * &x).mean_all().item().unwrap();
    assert!((mean - 0.1325).abs() < 5e-5, "{mean}");
    assert!(
        ((square - mean * mean).sqrt() - 0.3105).abs() < 5e-5,
        "{square}"
    );
    assert_eq!(x.max_all().unwrap().item().unwrap(), 1.0);
}

const IRIS: &str = "sepal,petal,kind\n5.1, 1.4,setosa\n7.0,4.7 ,versicolor\n4.9,1e0,setosa\n";

#[test]
fn csv_columns_by_name_and_index() {
    let table = Csv::new().parse(IRIS).unwrap();
    assert_eq!((table.rows(), table.width()), (3, 3));
    assert_eq!(table.header().unwrap(), ["sepal", "petal", "kind"]);
    let x = table.columns::<f32>(["petal", "sepal"]).unwrap();
    assert_eq!(x.shape(), &[3, 2][..]);
    assert_eq!(x.to_vec(), [1.4, 5.1, 4.7, 7.0, 1.0, 4.9]);
    let same = table
        .columns::<f32>([Column::from("petal"), 0.into()])
        .unwrap();
    assert_eq!(same.to_vec(), x.to_vec());
    let x = table.columns_except::<f64>(["kind"]).unwrap();
    assert_eq!(x.to_vec(), [5.1, 1.4, 7.0, 4.7, 4.9, 1.0]);
    let petal = table.column::<f64>(1).unwrap();
    assert_eq!(
        (petal.shape().to_vec(), petal.to_vec()),
        (vec![3], vec![1.4, 4.7, 1.0])
    );
    let (y, kinds) = table.classes("kind").unwrap();
    assert_eq!(
        (y.to_vec(), kinds.names()),
        (
            vec![0, 1, 0],
            &["setosa".into(), "versicolor".to_string()][..]
        )
    );
    assert_eq!(table.field(1, 2), Some("versicolor"));
    assert_eq!((table.field(3, 0), table.field(0, 3)), (None, None));
    let none = table.columns::<f32>(Vec::<usize>::new()).unwrap();
    assert_eq!(none.shape(), &[3, 0][..]);
}

#[test]
fn csv_in_all_its_forms() {
    let numbers = |csv: Csv, text: &[u8]| {
        csv.parse(text)
            .unwrap()
            .columns::<f64>(0..2)
            .unwrap()
            .to_vec()
    };
    let plain = Csv::new().header(false);
    let expected = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(numbers(plain.clone(), b"1,2\n3,4"), expected);
    assert_eq!(numbers(plain.clone(), b"1,2\r\n\r\n3,4\r\n"), expected);
    assert_eq!(numbers(plain.clone(), b"\"1\",\"2\"\n3,\"4\"\n"), expected);
    assert_eq!(numbers(plain.clone(), &gz(b"1,2\n3,4\n")), expected);
    assert_eq!(
        numbers(plain.clone().delimiter(b';'), b"1;2\n3;4"),
        expected
    );
    assert_eq!(
        numbers(plain.comment(b'#'), b"# two\n1,2\n# more\n3,4"),
        expected
    );
    // A byte order mark is no part of the first name.
    let marked = Csv::new().parse("\u{feff}a,b\n1,2\n3,4\n").unwrap();
    assert_eq!(
        marked.columns::<f64>(["a", "b"]).unwrap().to_vec(),
        expected
    );
    // A number is rounded once: through f64 this one would become 1.
    let tie = "1.00000005960464477540\n";
    let table = Csv::new().header(false).parse(tie).unwrap();
    let single = table.column::<f32>(0).unwrap().to_vec();
    assert_eq!(single, [tie.trim().parse::<f32>().unwrap()]);
    assert_ne!(single, [tie.trim().parse::<f64>().unwrap() as f32]);
    let labels = Csv::new()
        .parse("y\n 3\n-1\n")
        .unwrap()
        .labels("y")
        .unwrap();
    assert_eq!(labels.to_vec(), [3, -1]);
    // Not even where a quote follows, nor where the file is gzipped.
    let marked = gz("\u{feff}\"a\",b\n1,2\n3,4\n".as_bytes());
    let marked = Csv::new().parse(marked).unwrap();
    assert_eq!(
        marked.columns::<f64>(["a", "b"]).unwrap().to_vec(),
        expected
    );
    let quoted = Csv::new().parse("word\n\"a,\n\"\"b\"\"\"\n").unwrap();
    assert_eq!(quoted.field(0, 0), Some("a,\n\"b\""));
}

#[test]
fn csv_errors_name_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("iris.csv");
    let read = |csv: &Csv, text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        csv.read(&path)
    };
    let (named, bare) = (Csv::new(), Csv::new().header(false));
    let name = path.display();
    let table = read(&named, b"a,b\n1,2\n\n3,4x\n\"5\n\",\n").unwrap();
    let text = |e: wengert_nn::Error| e.to_string();
    assert_eq!(
        text(table.columns::<f32>(["a", "b"]).unwrap_err()),
        format!("{name}: line 4, column \"b\": \"4x\" is not a number")
    );
    assert_eq!(
        text(table.columns::<f32>(["c"]).unwrap_err()),
        format!("{name}: there is no column \"c\"\n  columns  0 \"a\", 1 \"b\"")
    );
    assert_eq!(
        text(table.column::<f32>(2).unwrap_err()),
        format!("{name}: there is no column 2\n  columns  0 \"a\", 1 \"b\"")
    );
    assert!(table.columns_except::<f32>(["B"]).is_err());
    // Lines are those of an editor: blank ones, comments and those within quotes count, however they end.
    for (text, line) in [
        ("x\n?", 2),
        ("x\r\n?\r\n", 2),
        ("x\r?\r", 2),
        ("\n\r\n\nx\n1\n\n\n?\n1\n", 8),
        ("x\r\n\r\n1\r\n\r\n?\r\n", 5),
        ("x\n# a\n#\n1\n\n# b\n\n?", 8),
        ("\u{feff}\nx\n\n?", 4),
        ("\"x\n\ny\"\n\"1\n\"\n?\n", 6),
        ("\"x\r\n\r\ny\"\r\n?\r\n", 4),
    ] {
        let table = named.clone().comment(b'#').parse(text).unwrap();
        let error = table.column::<f32>(0).unwrap_err().to_string();
        assert!(
            error.contains(&format!("line {line}, ")),
            "{text:?}: {error}"
        );
    }
    assert!(table.classes("B").is_err());
    let table = read(&bare, b"1,2\n3,\n").unwrap();
    let empty = text(table.columns::<f64>([0, 1]).unwrap_err());
    let (empty, hint) = empty.split_once("\n  hint  ").unwrap();
    assert!(hint.starts_with("Table::drop_missing"), "{hint}");
    assert_eq!(
        empty,
        format!("{name}: line 2, column 1: the field is empty, not a number")
    );
    assert_eq!(
        text(table.column::<f64>("a").unwrap_err()),
        format!("{name}: there is no column \"a\"\n  columns  0 to 1, without names")
    );
    let table = read(&named, b"a,a\n1.5,2\n").unwrap();
    assert_eq!(
        text(table.column::<f64>("a").unwrap_err()),
        format!("{name}: columns 0 and 1 are both named \"a\"\n  hint  name them by index")
    );
    assert_eq!(
        text(table.labels(0).unwrap_err()),
        format!("{name}: line 2, column \"a\": \"1.5\" is not a whole number")
    );
    assert_eq!(
        text(read(&named, b"a,b\n1,2\n3,4,5\n").unwrap_err()),
        format!(
            "{name}: line 3 has 3 fields, line 1 has 2 fields\n  rule  every row has as many fields as the \
             first line"
        )
    );
    assert!(text(read(&bare, b"1,2\n3\n").unwrap_err()).contains("line 2 has 1 field, line 1"));
    for nothing in [&b""[..], b"\n\n", b"\r\n"] {
        for csv in [&named, &bare] {
            assert_eq!(
                text(read(csv, nothing).unwrap_err()),
                format!("{name}: the file is empty")
            );
        }
    }
    assert!(text(read(&named, b"a,b\n").unwrap_err()).contains("a header and no row"));
    assert_eq!(
        text(read(&named, b"a,b\n1,2\n3,x\xffy\n").unwrap_err()),
        format!("{name}: line 3, column \"b\": not UTF-8: byte 0xff after \"x\"")
    );
    assert_eq!(
        text(read(&named, b"a,\xc3\n1,2\n").unwrap_err()),
        format!("{name}: line 1, column 1: not UTF-8: byte 0xc3 after \"\"")
    );
    for delimiter in [b'"', b'\n', b'\r'] {
        let error = bare.clone().delimiter(delimiter).parse("1,2").unwrap_err();
        assert!(text(error).starts_with("Csv: delimiter = "));
    }
    let gone = named.read(dir.path().join("gone.csv")).unwrap_err();
    assert!(text(gone).contains("gone.csv: "));
}

#[test]
fn csv_cut_anywhere_is_an_error_or_the_rows_before() {
    let whole = Csv::new().parse(IRIS).unwrap();
    for cut in 0..IRIS.len() {
        let Ok(table) = Csv::new().parse(&IRIS[..cut]) else {
            continue;
        };
        let rows = table.rows();
        assert!(rows <= whole.rows() && table.width() == 3);
        // All but the last row, and of that one all but the field that was cut.
        for (row, column) in (0..rows).flat_map(|r| (0..3).map(move |c| (r, c))) {
            let (part, full) = (table.field(row, column), whole.field(row, column));
            let last = row + 1 == rows && column == 2;
            let same = part == full || last && full.unwrap().starts_with(part.unwrap());
            assert!(same, "cut at {cut}: {part:?} {full:?}");
        }
    }
    let packed = gz(IRIS.as_bytes());
    for cut in 3..packed.len() {
        assert!(Csv::new().parse(&packed[..cut]).is_err(), "cut at {cut}");
    }
    // Any bytes at all.
    let mut rng = wengert_tensor::Rng::seed(0);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..rng.below(40))
            .map(|_| b"1,.\"\n\r-e;\x00\xff\x1f\x8b"[rng.below(13) as usize])
            .collect();
        if let Ok(table) = Csv::new().header(false).parse(&bytes) {
            let all = table.columns::<f32>(0..table.width());
            assert!(all.is_err() || all.unwrap().shape()[0] == table.rows());
        }
    }
}
