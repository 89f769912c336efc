// What the versions of the application have in common: a worker of cluster.js that answers every request with its version and pid,
// and gives back the header X-Ping.
// The application itself is a line: require('.../worker.js')(VERSION)
'use strict';
const cluster = require('node:cluster');
const http = require('node:http');

const ANNOUNCE_MS = 80;

module.exports = (version) => {
    let announcing = false;
    const server = http.createServer((request, response) => {
        response.setHeader('X-Ver', version);
        if (request.headers['x-ping']) response.setHeader('X-Ping', request.headers['x-ping']);
        if (announcing) response.setHeader('Connection', 'close');
        response.end(`pid=${process.pid}\n`);
    });
    server.keepAliveTimeout = 60000;
    process.on('message', (message) => {
        if (message !== 'retire') return;
        announcing = true;
        setTimeout(() => cluster.worker.disconnect(), ANNOUNCE_MS);
    });
    server.listen(Number(process.env.PORT), '127.0.0.1');
};
