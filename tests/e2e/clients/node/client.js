// A client on Node over grpc-js, made from the files of `consentry protos`
// alone.
//
//   node client.js PROTOS ADDRESS CERTIFICATES CUSTOMER
//
// CERTIFICATES holds authority.pem and {shop,newsletter,compliance}.{pem,key}.
// Prints what it was told, line by line; clients/python/client.py prints the
// same.
'use strict';
const fs = require('fs');
const path = require('path');
const tls = require('tls');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, address, certificates, customer] = process.argv.slice(2);
const definition = loader.loadSync(
  ['data', 'audit'].map((s) => `consentry/v1/${s}_service.proto`)
    .concat('google/rpc/status.proto', 'google/rpc/error_details.proto'),
  {includeDirs: [protos], keepCase: true, enums: String, longs: Number,
   defaults: true});
const api = grpc.loadPackageDefinition(definition).consentry.v1;
const say = (...words) => console.log(words.join(' '));
const pem = (name) => fs.readFileSync(path.join(certificates, name));
const deadline = () => ({deadline: Date.now() + 20000});

function credentials(name) {
  return name ? grpc.credentials.createSsl(
    pem('authority.pem'), pem(`${name}.key`), pem(`${name}.pem`))
    : grpc.credentials.createSsl(pem('authority.pem'));
}

// grpc-js takes the address as the server's name, and an IP address is none.
function connect(Service, name) {
  return new Service(address, credentials(name),
    {'grpc.ssl_target_name_override': 'localhost'});
}

function call(stub, method, request) {
  return new Promise((done, fail) => stub[method](
    request, deadline(),
    (error, answer) => error ? fail(error) : done(answer)));
}

function errorInfo(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!bytes) return undefined;
  const status = definition['google.rpc.Status'].deserialize(bytes);
  for (const any of status.details) {
    if (any.type_url === 'type.googleapis.com/google.rpc.ErrorInfo') {
      return definition['google.rpc.ErrorInfo'].deserialize(any.value);
    }
  }
  return undefined;
}

async function refused(title, promise) {
  try {
    await promise;
    say(title, 'was not refused');
  } catch (error) {
    const info = errorInfo(error);
    say(title, grpc.status[error.code],
      info ? `${info.domain} ${info.reason}` : '-');
  }
}

// Names of enum values without their type: EFFECT_DENY is "DENY".
const effect = (name) => name.replace('EFFECT_', '');
const reason = (name) => name.replace('ERROR_REASON_', '');

function sayDecision(title, decision) {
  say(title, effect(decision.effect), reason(decision.reason));
  for (const field of decision.fields) {
    say(' ', field.field, effect(field.effect), reason(field.reason));
  }
}

// What the handshake comes to where both sides may choose up to `version`.
function handshake(version) {
  const [host, port] = address.split(':');
  return new Promise((done) => {
    const socket = tls.connect({
      host, port, ca: pem('authority.pem'), cert: pem('shop.pem'),
      key: pem('shop.key'), maxVersion: version, ALPNProtocols: ['h2']});
    socket.on('secureConnect', () => {
      done(`${socket.getProtocol()} ${socket.alpnProtocol}`);
      socket.destroy();
    });
    socket.on('error', () => done('refused'));
  });
}

async function main() {
  say('handshake up to 1.3:', await handshake('TLSv1.3'));
  say('handshake up to 1.2:', await handshake('TLSv1.2'));

  const data = connect(api.DataService, 'shop');
  const email = `${customer}@shop.example`;
  const subject = {identifier: {type: 'IDENTIFIER_TYPE_EMAIL', value: email}};
  const service = 'essential.service.operations';
  const marketing = 'marketing.communications.email';
  const written = await call(data, 'WriteRecord', {
    subjects: [subject], source: 'crm', kind: 'profile', source_key: customer,
    purpose: service, legal_facts: {residence: 'DE'},
    values: {
      email: {string_value: email}, given_name: {string_value: 'Zoë'}}});
  say('write', written.outcome.replace('WRITE_OUTCOME_', ''));

  const read = await call(data, 'ReadSubject', {
    subject, purpose: service,
    fields: ['profile.email', 'profile.given_name']});
  sayDecision('read', read.decision);
  for (const field of read.fields) {
    say('  released', field.name, field.value.string_value,
      field.transform.replace('TRANSFORM_', ''), field.provenance.source);
  }
  say('  same customer:', String(read.subject_id === written.subject_id));

  const letters = connect(api.DataService, 'newsletter');
  const denied = await call(letters, 'ReadSubject', {
    subject, purpose: marketing, fields: ['profile.email'],
    channel: 'CHANNEL_EMAIL'});
  sayDecision('denied', denied.decision);
  for (const field of denied.fields) say('  released', field.name);
  say('  customer:', denied.subject_id || '-');

  await refused('purpose of others:', call(data, 'ReadSubject', {
    subject, purpose: 'analytics.reporting', fields: ['profile.email']}));
  await refused('no field:', call(data, 'ReadSubject', {
    subject, purpose: service, fields: []}));
  await refused('own explanation:', call(letters, 'ExplainDecision', {
    decision_id: denied.decision.id}));
  await refused('audit by a shop:', call(
    connect(api.AuditService, 'shop'), 'GetAuditLog', {}));
  await refused('no certificate:', call(
    connect(api.DataService, ''), 'ReadSubject', {
      subject, purpose: service, fields: ['profile.email']}));

  const officer = connect(api.DataService, 'compliance');
  const why = await call(officer, 'ExplainDecision',
    {decision_id: denied.decision.id});
  sayDecision('explained', why.decision);
  say('  by', why.client_id, 'for', why.purpose, 'on',
    why.channel.replace('CHANNEL_', ''));
  say('  steps:', String(why.steps.length > 0),
    'replay:', String(why.replay_agrees));

  const audit = connect(api.AuditService, 'compliance');
  const page = await call(audit, 'QueryAuditEntries',
    {subject, context: {reason_code: 'test'}});
  for (const entry of page.entries) {
    const [about] = entry.subjects;
    say('entry', entry.event, entry.client_id, effect(about.effect),
      reason(about.reason));
  }
  say('  has the denial:', String(page.entries.some((e) =>
    e.subjects[0].decision_id === denied.decision.id)));

  const indices = await new Promise((done, fail) => {
    const list = [];
    const stream = audit.TailAuditEntries({from_index: 0}, deadline());
    stream.on('data', (entry) => list.push(entry.index));
    stream.on('error', fail);
    stream.on('end', () => done(list));
  });
  say('stream from the first entry, none left out:',
    String(indices.length > 5 && indices.every((index, i) => index === i)));
  for (const stub of [data, letters, officer, audit]) stub.close();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
