// A Helia node with what a public IPFS node has to speak with Weft: TCP, Noise, Yamux, Identify, Ping, Bitswap. No
// routing: whom to ask is said by the test.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createHeliaLight } from 'helia'

/** Starts a node that listens on these addresses. */
export async function start (listen = []) {
  const libp2p = {
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  }
  const helia = withBitswap(withLibp2pLight(createHeliaLight(), libp2p))
  await helia.start()
  return helia
}

/** Tells the test something: one line of JSON. */
export function say (what) {
  process.stdout.write(JSON.stringify(what) + '\n')
}
