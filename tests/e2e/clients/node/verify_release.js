// Says whether a release lets an output go out, from
// gateway/screening/FORMAT.md alone, with what Node brings along.
//
//   node verify_release.js KEY NOTE OUTPUT.json PSEUDONYM CHANNEL NOW
//
// KEY is what `consentry screen key` prints, NOW in RFC 3339. Prints "holds",
// or what does not agree.
'use strict';
const crypto = require('crypto');
const fs = require('fs');

function canonical(output) {
  const parts = [Buffer.from('consentry output v1\n')];
  const line = (path, value) => {
    const bytes = Buffer.from(value);
    parts.push(Buffer.from(`${path} ${bytes.length}:`), bytes, Buffer.from('\n'));
  };
  const texts = (...names) => {
    for (const name of names) if (output[name]) line(name, output[name]);
  };
  const list = (name) => {
    for (const entry of output[name] || []) line(name, entry);
  };
  const money = (path, value) => {
    line(`${path}.currency`, value.currency || '');
    line(`${path}.minorUnits`, String(value.minorUnits || '0'));
  };
  texts('id', 'kind', 'model', 'modelVersion', 'experiment', 'variant', 'item',
    'text', 'language');
  list('ranking');
  for (const name of ['price', 'basePrice']) {
    if (name in output) money(name, output[name]);
  }
  texts('label');
  if (output.score) {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(output.score);
    line('score', bits.toString('hex'));
  }
  if (output.favourable) line('favourable', 'true');
  list('inputCategories');
  texts('explanation');
  for (const entry of output.evidence || []) {
    line('evidence.source', entry.source || '');
    if ('time' in entry) line('evidence.time', entry.time);
    for (const name of ['stock', 'offerEnd', 'count']) {
      if (name in entry) line(`evidence.${name}`, entry[name]);
    }
    if ('referencePrice' in entry) {
      money('evidence.referencePrice', entry.referencePrice);
    }
  }
  list('disclosures');
  if ('deliverTime' in output) line('deliverTime', output.deliverTime);
  return Buffer.concat(parts);
}

function check(vkey, note, output, pseudonym, channel, now) {
  const [name, keyId, ...rest] = vkey.split('+');
  const raw = Buffer.from(rest.join('+'), 'base64').subarray(1);
  const key = crypto.createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
    format: 'der',
    type: 'spki',
  });
  const split = note.indexOf('\n\n') + 1;
  const text = note.slice(0, split);
  const signed = note.slice(split + 1).trimEnd().split('\n').some((each) => {
    const [dash, who, encoded] = each.split(' ');
    const blob = Buffer.from(encoded || '', 'base64');
    return dash === '\u2014' && who === name &&
      blob.subarray(0, 4).toString('hex') === keyId &&
      crypto.verify(null, Buffer.from(text), key, blob.subarray(4));
  });
  if (!signed) return 'not signed by this key';
  const digest =
    crypto.createHash('sha256').update(canonical(output)).digest('hex');
  const lines = text.split('\n');
  if (lines[0] !== name || lines[1] !== 'consentry release v1') {
    return 'not a release';
  }
  if (lines[2] !== `digest sha256:${digest}`) return 'the output';
  if (lines[3] !== `pseudonym ${pseudonym}`) return 'the customer';
  if (lines[4] !== `channel ${channel}`) return 'the channel';
  // All are in UTC and sort as text, whole seconds of them.
  if (now < (output.deliverTime || '').slice(0, now.length - 1)) {
    return 'the time';
  }
  return now < lines[5].slice('expires '.length) ? 'holds' : 'the time';
}

const [vkey, note, output, ...rest] = process.argv.slice(2);
console.log(check(vkey, fs.readFileSync(note, 'utf8'),
  JSON.parse(fs.readFileSync(output, 'utf8')), ...rest));
