//! The content id of a file, as `ipfs add --cid-version=0` computes it.
//!
//! Owns the bytes that IPFS lays around a file (UnixFS in dag-pb nodes) and the base58 text of the root's SHA-256. A file is
//! cut into chunks of [`CHUNK_BYTES`]; each is a leaf, and while there is more than one node, [`WIDTH_MAX`] of them at a time
//! get a node above them: a balanced tree. It is computed as the bytes come, in the memory of one chunk and of one open node
//! a level, so that a file of any length can be checked while it is read. Never talks to IPFS. That the ids are those of
//! IPFS' own importer is checked by `scripts/check-cids`.

use cid::Cid;
use multihash::Multihash;
use sha2::{Digest, Sha256};

use super::event::IpfsHash;

/// Bytes of a leaf; only the last one of a file may have fewer.
pub const CHUNK_BYTES: usize = 262_144;
/// Most links of a node.
const WIDTH_MAX: usize = 174;

/// Multicodec of SHA-256, and its length: what its multihash begins with.
const SHA2_256: u64 = 0x12;
const MULTIHASH: [u8; 2] = [0x12, 32];
/// UnixFS, field 1 (kind): a file.
const KIND_FILE: [u8; 2] = [0x08, 0x02];
/// UnixFS, field 2 (the bytes), field 3 (how many, with those of all nodes below), and field 4 (those of one node below).
const UNIXFS_BYTES: u8 = 0x12;
const UNIXFS_LENGTH: u8 = 0x18;
const UNIXFS_BLOCK_LENGTH: u8 = 0x20;
/// dag-pb: the node's data (field 1), and a link (field 2), which stands before it.
const NODE_DATA: u8 = 0x0a;
const NODE_LINK: u8 = 0x12;
/// dag-pb, of a link: whose (field 1), its name (field 2, empty), and the bytes of all nodes from there on (field 3).
const LINK_HASH: u8 = 0x0a;
const LINK_NAME: [u8; 2] = [0x12, 0];
const LINK_SIZE: u8 = 0x18;

/// How a file is cut. One in use; tests cut finer.
#[derive(Debug, Clone, Copy)]
struct Cut {
    chunk_bytes: usize,
    width_max: usize,
}

/// A node, as the one above it needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    digest: [u8; 32],
    /// Bytes of the file below it.
    file_bytes: u64,
    /// Bytes of its block, and of all below it.
    dag_bytes: u64,
}

/// Computes the id of a file from its bytes, in any pieces.
#[derive(Debug, Clone)]
pub struct FileHasher {
    cut: Cut,
    chunk: Vec<u8>,
    /// Nodes that have none above them yet, the leaves first; of each level fewer than the most that one node takes.
    open: Vec<Vec<Node>>,
    bytes: u64,
}

impl Default for FileHasher {
    fn default() -> Self {
        Self::cut(Cut { chunk_bytes: CHUNK_BYTES, width_max: WIDTH_MAX })
    }
}

impl FileHasher {
    fn cut(cut: Cut) -> Self {
        Self { cut, chunk: Vec::new(), open: Vec::new(), bytes: 0 }
    }

    /// The next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (taken, rest) = bytes.split_at(bytes.len().min(self.cut.chunk_bytes - self.chunk.len()));
            self.chunk.extend_from_slice(taken);
            bytes = rest;
            if self.chunk.len() == self.cut.chunk_bytes {
                let leaf = leaf(&self.chunk);
                self.chunk.clear();
                self.add(0, leaf);
            }
        }
    }

    /// How many bytes there were so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file is whole: its CIDv0, 46 characters of base58.
    pub fn finish(mut self) -> IpfsHash {
        if !self.chunk.is_empty() || self.bytes == 0 {
            let leaf = leaf(&self.chunk);
            self.add(0, leaf);
        }
        let mut level = 0;
        loop {
            let nodes = self.open.get_mut(level).map(std::mem::take).unwrap_or_default();
            let is_top = self.open.iter().skip(level + 1).all(Vec::is_empty);
            match nodes.as_slice() {
                [root] if is_top => return text_of(&root.digest),
                [] => {}
                nodes => {
                    let above = parent(nodes);
                    self.add(level + 1, above);
                }
            }
            level += 1;
        }
    }

    /// A node without one above it; as many as one takes get one.
    fn add(&mut self, mut level: usize, mut node: Node) {
        loop {
            if self.open.len() <= level {
                self.open.push(Vec::new());
            }
            let Some(open) = self.open.get_mut(level) else { return };
            open.push(node);
            if open.len() < self.cut.width_max {
                return;
            }
            node = parent(open);
            open.clear();
            level += 1;
        }
    }
}

/// The CIDv0 of a file with these bytes: 46 characters of base58.
pub fn of_file(bytes: &[u8]) -> IpfsHash {
    let mut hasher = FileHasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// A SHA-256 is what a CIDv0 is made of, and its text has 46 digits: neither can fail.
fn text_of(digest: &[u8; 32]) -> IpfsHash {
    let cid = Multihash::<64>::wrap(SHA2_256, digest).ok().and_then(|hash| Cid::new_v0(hash).ok());
    let text = cid.and_then(|cid| cid.to_string().into_bytes().try_into().ok());
    text.map_or(IpfsHash::EMPTY, IpfsHash)
}

/// A node without links, whose data is a piece of a file.
fn leaf(bytes: &[u8]) -> Node {
    let mut file = KIND_FILE.to_vec();
    if !bytes.is_empty() {
        put_field(&mut file, UNIXFS_BYTES, bytes);
    }
    put_number(&mut file, UNIXFS_LENGTH, bytes.len() as u64);
    let mut block = Vec::with_capacity(file.len() + 8);
    put_field(&mut block, NODE_DATA, &file);
    Node { digest: Sha256::digest(&block).into(), file_bytes: bytes.len() as u64, dag_bytes: block.len() as u64 }
}

/// The node above these: links to them, and how much of the file is below each.
fn parent(nodes: &[Node]) -> Node {
    let (mut block, mut link) = (Vec::new(), Vec::new());
    let file_bytes = nodes.iter().map(|node| node.file_bytes).sum();
    let mut file = KIND_FILE.to_vec();
    put_number(&mut file, UNIXFS_LENGTH, file_bytes);
    for node in nodes {
        link.clear();
        put_field(&mut link, LINK_HASH, &[&MULTIHASH[..], &node.digest].concat());
        link.extend_from_slice(&LINK_NAME);
        put_number(&mut link, LINK_SIZE, node.dag_bytes);
        put_field(&mut block, NODE_LINK, &link);
        put_number(&mut file, UNIXFS_BLOCK_LENGTH, node.file_bytes);
    }
    put_field(&mut block, NODE_DATA, &file);
    let dag_bytes = block.len() as u64 + nodes.iter().map(|node| node.dag_bytes).sum::<u64>();
    Node { digest: Sha256::digest(&block).into(), file_bytes, dag_bytes }
}

fn put_field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_number(out, tag, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, tag: u8, mut value: u64) {
    out.push(tag);
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_ids_are_those_of_ipfs_add() {
        for (bytes, cid) in [
            (&b""[..], "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
            (b"hello world\n", "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"),
            (b"hello world", "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        ] {
            assert_eq!(of_file(bytes).text(), Some(cid));
        }
    }

    #[test]
    fn files_of_any_length_have_the_ids_that_ipfs_own_importer_gives_them() {
        #[derive(serde::Deserialize)]
        struct Expected {
            bytes: u64,
            cid: String,
        }
        // Made by scripts/check-cids, with another implementation.
        let expected: Vec<Expected> = serde_json::from_str(include_str!("../../scripts/cids/expected.json")).unwrap();
        assert!(expected.iter().any(|file| file.bytes > 174 * CHUNK_BYTES as u64), "one of more than two levels");
        for Expected { bytes, cid } in expected {
            let mut hasher = FileHasher::default();
            let mut made = 0;
            // In pieces that fit no chunk.
            while made < bytes {
                let piece: Vec<u8> = (made..bytes.min(made + 99_991)).map(|i| (31 * i + i / 251) as u8).collect();
                made += piece.len() as u64;
                hasher.update(&piece);
                assert!(hasher.chunk.len() < CHUNK_BYTES && hasher.open.iter().all(|nodes| nodes.len() < WIDTH_MAX));
            }
            assert_eq!((hasher.bytes(), hasher.finish().text()), (bytes, Some(cid.as_str())));
        }
    }

    #[test]
    fn every_length_of_varints_is_laid_out() {
        for (length, lengths) in [(127, 1), (128, 2), (16_383, 2), (16_384, 3)] {
            // Node and file each say their length, the file twice.
            let overhead = leaf(&vec![0; length]).dag_bytes as usize - length;
            assert!((2 + 2 + 1 + 1 + lengths * 3 - 1..=2 + 2 + 1 + 1 + lengths * 3).contains(&overhead), "{length}");
        }
    }

    /// All leaves, then level by level all nodes above them, until there is one.
    fn naive(cut: Cut, bytes: &[u8]) -> IpfsHash {
        let mut nodes: Vec<Node> = bytes.chunks(cut.chunk_bytes).map(leaf).collect();
        if nodes.is_empty() {
            nodes.push(leaf(b""));
        }
        while nodes.len() > 1 {
            nodes = nodes.chunks(cut.width_max).map(parent).collect();
        }
        text_of(&nodes[0].digest)
    }

    proptest! {
        #[test]
        fn the_pieces_that_a_file_comes_in_are_no_part_of_its_id(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            pieces in proptest::collection::vec(1usize..40, 1..8),
            chunk_bytes in 1usize..12,
            width_max in 2usize..6,
        ) {
            let cut = Cut { chunk_bytes, width_max };
            let mut hasher = FileHasher::cut(cut);
            let (mut rest, mut pieces) = (bytes.as_slice(), pieces.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
                hasher.update(piece);
                rest = after;
            }
            prop_assert_eq!(hasher.finish(), naive(cut, &bytes));
        }
    }
}
