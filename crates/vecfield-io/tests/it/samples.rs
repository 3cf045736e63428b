//! Rows and labels from tables and array files.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use vecfield_io::{read_labels, read_rows, read_samples, read_trajectory_labels, read_trajectory_values};

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn idx(kind: u8, shape: &[u32], numbers: &[u8]) -> Vec<u8> {
    let sizes = shape.iter().flat_map(|n| n.to_be_bytes());
    [0, 0, kind, shape.len() as u8].into_iter().chain(sizes).chain(numbers.iter().copied()).collect()
}

fn npy(kind: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), numbers].concat()
}

#[test]
fn pictures_and_labels_come_packed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = idx(8, &[2, 1, 3], &[0, 51, 255, 102, 0, 0]);
    let mut packed = GzEncoder::new(vec![], Compression::default());
    packed.write_all(&pictures).unwrap();
    let labels = file(folder.path(), "labels", &idx(8, &[2], &[7, 3]));
    for bytes in [pictures, packed.finish().unwrap()] {
        let samples = read_samples(&file(folder.path(), "pictures", &bytes), Some(&labels)).unwrap();
        assert_eq!(samples.shape(), [1, 1, 3]);
        assert_eq!(samples.values(), [0.0, 0.2, 1.0, 0.4, 0.0, 0.0]);
        assert_eq!((samples.labels(), &samples.classes()[..]), (&[7, 3][..], &[3, 7][..]));
    }
}

#[test]
fn a_table_may_have_a_column_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let samples = read_samples(&file(folder.path(), "a.csv", b"a,label,b\n1,5,2\n3,-1,\n"), None).unwrap();
    assert_eq!((samples.columns(), samples.labels()), (&["a".to_string(), "b".to_string()][..], &[5, -1][..]));
    assert!(samples.row(0) == [1.0, 2.0] && samples.row(1)[1].is_nan());
    let plain = read_samples(&file(folder.path(), "b.csv", b"t,trajectory\n1,5\n"), None).unwrap();
    assert_eq!((plain.width(), plain.labels().len()), (2, 0));
    assert_eq!(read_rows(&folder.path().join("a.csv")).unwrap().columns(), ["a", "label", "b"]);
    let labels = file(folder.path(), "c.csv", b"trajectory,label\n4,0\n2,1\n4,1\n");
    assert_eq!(read_labels(&labels).unwrap(), [0, 1, 1]);
    let of_trajectories = |numbers: &[i64]| read_trajectory_labels(&labels, numbers).map_err(|error| error.to_string());
    assert!(of_trajectories(&[4, 2]).unwrap_err().contains("trajectory 4 has 2 labels"));
    assert!(of_trajectories(&[4, 2, 9]).unwrap_err().contains("trajectory 4 has 2 labels"));
    assert!(of_trajectories(&[4]).unwrap_err().contains("c.csv:3: the data have no trajectory 2"));
    let labels = file(folder.path(), "d.csv", b"trajectory,label\n4,0\n2,1\n");
    assert_eq!(read_trajectory_labels(&labels, &[2, 4]).unwrap(), [1, 0]);
    assert!(read_trajectory_labels(&labels, &[2, 4, 9]).unwrap_err().to_string().contains("trajectory 9 has 0 labels"));
    assert_eq!(read_trajectory_values(&labels, &[2, 4]).unwrap(), [1.0, 0.0]);
    let values = file(folder.path(), "e.csv", b"trajectory,label\n4,0.5\n2,\n");
    assert!(read_trajectory_values(&values, &[2, 4]).is_err());
    assert!(read_trajectory_labels(&values, &[2, 4]).unwrap_err().to_string().contains("0.5"));
}

#[test]
fn numpy_is_read_in_its_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let samples = read_samples(&file(folder.path(), "a.npy", &npy("<f8", "(1, 2)", &numbers)), None).unwrap();
    assert_eq!((samples.shape(), samples.values()), (&[2][..], &[1.5, -2.0][..]));
    let numbers: Vec<u8> = [3_i64, 4].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(read_labels(&file(folder.path(), "b.npy", &npy("<i8", "(2,)", &numbers))).unwrap(), [3, 4]);
}

#[test]
fn broken_files_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, words) in [
        (idx(8, &[2, 3], &[0; 5]), "asks for 6 bytes, and there are 5"),
        (idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[]), "impossible shape"),
        (idx(7, &[1], &[0]), "kind 0x07"),
        (vec![0, 0, 8, 2, 0], "breaks off"),
        (npy("<c16", "(1,)", &[0; 16]), "astype"),
        (b"\x93NUMPY\x01".to_vec(), "breaks off"),
        (b"\x1f\x8bnothing".to_vec(), "gzip"),
        (b"a,label\n1,0.5\n".to_vec(), "row 1 below the header, column `label`: 0.5"),
        (b"a,b\n1,x\n".to_vec(), "not a number"),
    ] {
        let error = read_samples(&file(folder.path(), "wrong", &bytes), None).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("wrong"), "{error}");
    }
    let (two, three) = (idx(8, &[2], &[0, 1]), file(folder.path(), "three", &idx(8, &[3], &[0, 1, 2])));
    let error = read_samples(&file(folder.path(), "two", &two), Some(&three)).unwrap_err().to_string();
    assert!(error.contains("3 labels"), "{error}");
}
