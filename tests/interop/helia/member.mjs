// node member.mjs SECRET TOPIC ADDRESS — a device of a member: its Ed25519 seed in hex, a topic of the network, a device
// to talk to. Says who answered identify, each gossip that it hears, when somebody listens, and when a connection is
// closed; each line of its input is a gossip in hex, and its end is the end.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createInterface } from 'node:readline'
import { say } from './node.mjs'

const [secret, topic, address] = process.argv.slice(2)
const libp2p = await createLibp2p({
  privateKey: await generateKeyPairFromSeed('Ed25519', Buffer.from(secret, 'hex')),
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping(), gossip: gossipsub({ globalSignaturePolicy: 'StrictSign' }) }
})
const { gossip } = libp2p.services
libp2p.addEventListener('peer:identify', ({ detail }) => {
  say({ identified: detail.peerId.toString(), agent: detail.agentVersion, protocols: detail.protocols })
})
gossip.addEventListener('gossipsub:message', ({ detail }) => {
  const { msg } = detail
  say({ heard: Buffer.from(msg.data).toString('hex'), from: msg.from?.toString(), topic: msg.topic })
})
gossip.addEventListener('gossipsub:graft', ({ detail }) => say({ grafted: detail.topic }))
libp2p.addEventListener('connection:close', () => say({ closed: true }))
gossip.subscribe(topic)
await libp2p.dial(multiaddr(address))
for await (const line of createInterface({ input: process.stdin })) {
  const { recipients } = await gossip.publish(topic, Buffer.from(line, 'hex'))
  say({ sent: recipients.map(String) })
}
await libp2p.stop()
process.exit(0)
