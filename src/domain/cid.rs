//! The content id of a small file, as `ipfs add --cid-version=0` computes it.
//!
//! Owns the few bytes that IPFS lays around a file of one block (UnixFS in a dag-pb node) and the base58 text of their
//! SHA-256. Files of more than one block are refused, not computed: nothing that is hashed here is longer. Never talks
//! to IPFS.

use cid::Cid;
use multihash::Multihash;
use sha2::{Digest, Sha256};

use super::event::IpfsHash;

/// The longest file that `ipfs add` keeps in one block, in bytes.
pub const FILE_BYTES_MAX: usize = 262_144;

/// Multicodec of SHA-256.
const SHA2_256: u64 = 0x12;
/// UnixFS, field 1 (kind): a file.
const KIND_FILE: [u8; 2] = [0x08, 0x02];
/// UnixFS, field 2 (the bytes), and field 3 (how many).
const UNIXFS_BYTES: u8 = 0x12;
const UNIXFS_LENGTH: u8 = 0x18;
/// dag-pb, field 1: the node's data.
const NODE_DATA: u8 = 0x0a;

/// The file is longer than a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file of {0} bytes does not fit one block of {FILE_BYTES_MAX}")]
pub struct FileTooLong(pub usize);

/// The CIDv0 of a file with these bytes: 46 characters of base58.
///
/// # Errors
/// More than [`FILE_BYTES_MAX`].
pub fn of_file(bytes: &[u8]) -> Result<IpfsHash, FileTooLong> {
    let too_long = FileTooLong(bytes.len());
    if bytes.len() > FILE_BYTES_MAX {
        return Err(too_long);
    }
    let digest = Sha256::digest(node(bytes));
    // A SHA-256 is what a CIDv0 is made of, and its text has 46 digits: neither can fail.
    let text = Multihash::<64>::wrap(SHA2_256, &digest).ok().and_then(|hash| Cid::new_v0(hash).ok());
    let text = text.map(|cid| cid.to_string().into_bytes());
    text.and_then(|text| text.try_into().ok()).map(IpfsHash).ok_or(too_long)
}

/// The block of a file: a dag-pb node without links, whose data is a UnixFS file.
fn node(bytes: &[u8]) -> Vec<u8> {
    let mut file = KIND_FILE.to_vec();
    if !bytes.is_empty() {
        file.push(UNIXFS_BYTES);
        put_varint(&mut file, bytes.len());
        file.extend_from_slice(bytes);
    }
    file.push(UNIXFS_LENGTH);
    put_varint(&mut file, bytes.len());
    let mut node = vec![NODE_DATA];
    put_varint(&mut node, file.len());
    node.extend_from_slice(&file);
    node
}

fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ids_are_those_of_ipfs_add() {
        for (bytes, cid) in [
            (&b""[..], "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
            (b"hello world\n", "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"),
            (b"hello world", "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        ] {
            assert_eq!(of_file(bytes).unwrap().text(), Some(cid));
        }
    }

    #[test]
    fn every_length_of_varints_is_laid_out() {
        for (length, lengths) in [(127, 1), (128, 2), (16_383, 2), (16_384, 3)] {
            let node = node(&vec![0; length]);
            // Node and file each say their length, the file twice.
            let overhead = node.len() - length;
            assert!((2 + 2 + 1 + 1 + lengths * 3 - 1..=2 + 2 + 1 + 1 + lengths * 3).contains(&overhead), "{length}");
        }
    }

    #[test]
    fn a_file_of_more_than_a_block_is_refused() {
        assert!(of_file(&vec![0; FILE_BYTES_MAX]).is_ok());
        assert_eq!(of_file(&vec![0; FILE_BYTES_MAX + 1]), Err(FileTooLong(FILE_BYTES_MAX + 1)));
    }
}
