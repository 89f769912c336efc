// A cluster of Node.js workers that exchanges its code on SIGHUP: node cluster.js PORT STYLE APP
// APP is the code, loaded afresh by each new worker. A reload replaces the workers one by one; STYLE says how:
//   rolling     the new one listens first, then the old one is disconnected (worker.disconnect())
//   announced   as rolling, but the old one first answers with `Connection: close` for a while, so that clients leave by themselves
//   kill-first  the old one is killed, then a new one is started
// Further SIGHUPs during a reload ask for one more reload behind it. SIGTERM ends all.
'use strict';
const cluster = require('node:cluster');
const { once } = require('node:events');
const path = require('node:path');

const WORKERS = 2;
const [port, style, app] = process.argv.slice(2);

async function start() {
    const worker = cluster.fork({ PORT: port });
    await once(worker, 'listening');
    return worker;
}

const retire = {
    // Nobody waits for an old one to be gone: a client that sends half a request and falls silent would hold up the reload.
    async rolling(old) {
        await start();
        old.disconnect();
    },
    async announced(old) {
        await start();
        old.send('retire'); // worker.js: announces, and disconnects by itself
    },
    async 'kill-first'(old) {
        const gone = once(old, 'exit');
        old.process.kill();
        await gone;
        await start();
    },
};

let wanted = 0;

async function reload() {
    wanted++;
    if (wanted > 1) return;
    while (wanted > 0) {
        for (const old of Object.values(cluster.workers)) if (!old.exitedAfterDisconnect) await retire[style](old);
        wanted = wanted > 1 ? 1 : 0;
    }
}

if (!(style in retire) || !port || !app) {
    console.error(`usage: cluster.js PORT ${Object.keys(retire).join('|')} APP`);
    process.exit(2);
}
cluster.setupPrimary({ exec: path.resolve(app) });
process.on('SIGHUP', reload);
process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
    process.exit(0);
});
for (let i = 0; i < WORKERS; i++) start();
