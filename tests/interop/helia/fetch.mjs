// node fetch.mjs ADDRESS MS CID… — says what identify tells of a node, then fetches files and records from it, each within
// MS milliseconds, and says bytes, sha256 and time, or why it failed.
import { unixfs } from '@helia/unixfs'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { createHash } from 'node:crypto'
import { say, start } from './node.mjs'

const DAG_PB = 0x70
const [address, patience, ...cids] = process.argv.slice(2)
const helia = await start()
const node = multiaddr(address)
helia.libp2p.addEventListener('peer:identify', ({ detail }) => {
  say({ identified: detail.peerId.toString(), agent: detail.agentVersion, protocols: detail.protocols, addresses: detail.listenAddrs.map(String) })
})
await helia.libp2p.dial(node)
const fs = unixfs(helia)

async function * bytesOf (cid, options) {
  if (cid.code === DAG_PB || cid.code === raw.code) {
    yield * fs.cat(cid, options)
  } else {
    yield * helia.blockstore.get(cid, options)
  }
}

for (const text of cids) {
  const began = performance.now()
  const hash = createHash('sha256')
  let bytes = 0
  try {
    const options = { signal: AbortSignal.timeout(Number(patience)), providers: [node] }
    for await (const part of bytesOf(CID.parse(text), options)) {
      hash.update(part)
      bytes += part.length
    }
    say({ cid: text, bytes, ms: performance.now() - began, sha256: hash.digest('hex') })
  } catch (error) {
    say({ cid: text, failed: error.name, why: error.message })
  }
}
await helia.stop()
process.exit(0)
