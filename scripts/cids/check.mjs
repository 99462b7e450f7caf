// Content ids of files of many sizes, by IPFS' own importer: compared with `expected.json`, which the engine's tests read.
//
// The bytes of a file are made by a rule, so that the largest need not be kept: byte i is (31 i + floor(i / 251)) mod 256.
// `--write` writes the file anew.

import { readFileSync, writeFileSync } from 'node:fs'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const CHUNK = 262_144
const SIZES = [0, 1, 12, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 174 * CHUNK + 1]

function bytes(length) {
  const made = new Uint8Array(length)
  for (let i = 0; i < length; i++) made[i] = 31 * i + Math.floor(i / 251)
  return made
}

async function cid(content) {
  const options = {
    cidVersion: 0,
    rawLeaves: false,
    reduceSingleLeafToSelf: true,
    wrapWithDirectory: false,
    chunker: fixedSize({ chunkSize: CHUNK }),
    layout: balanced({ maxChildrenPerNode: 174 }),
  }
  let last
  for await (const entry of importer([{ content }], new BlackHoleBlockstore(), options)) last = entry
  return last.cid.toString()
}

const known = [
  ['', 'QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH'],
  ['hello world\n', 'QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o'],
]
let failed = 0
let passed = 0
const judge = (what, found, expected) => {
  if (found === expected) return passed++
  failed++
  console.error(`${what}: ${found}, expected ${expected}`)
}

const [, , file, write] = process.argv
for (const [text, expected] of known) judge(JSON.stringify(text), await cid(new TextEncoder().encode(text)), expected)
const found = []
for (const length of SIZES) found.push({ bytes: length, cid: await cid(bytes(length)) })
if (write === '--write') {
  writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`)
} else {
  const expected = JSON.parse(readFileSync(file, 'utf8'))
  judge('files', found.length, expected.length)
  found.forEach((one, i) => judge(`a file of ${one.bytes} bytes`, one.cid, expected[i]?.cid))
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
