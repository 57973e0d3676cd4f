// node serve.mjs FILE — serves a file as UnixFS with leaves of 1 MiB, says its CID and where, and ends with its input.
import { unixfs } from '@helia/unixfs'
import { createReadStream } from 'node:fs'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { say, start } from './node.mjs'

const LEAF_BYTES = 1024 * 1024
const [file] = process.argv.slice(2)
const helia = await start(['/ip4/127.0.0.1/tcp/0'])
const chunker = fixedSize({ chunkSize: LEAF_BYTES })
const cid = await unixfs(helia).addByteStream(createReadStream(file), { chunker, rawLeaves: true, cidVersion: 1 })
say({ cid: cid.toString(), address: helia.libp2p.getMultiaddrs()[0].toString() })
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
