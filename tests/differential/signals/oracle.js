// The decoders of the industry, asked about the same strings.
//
//   oracle.js generate tcf|gpp SEED COUNT   strings, one a line: "+" or "?", a
//                                           tab, the string. "?": broken on
//                                           purpose, perhaps still a signal.
//   oracle.js compare tcf|gpp FILE          lines as above, with a tab and our
//                                           JSON, or "-" where we refuse.
//   oracle.js time FILE                     microseconds of one decoding of the
//                                           TC strings in FILE, one a line.
'use strict';

const fs = require('fs');
const {GVL, PurposeRestriction, RestrictionType, TCModel, TCString} =
    require('@iabtcf/core');
const {GppModel, Sections} = loadGpp();

function loadGpp() {
  const root = require.resolve('@iabgpp/cmpapi').replace(/index\.js$/, '');
  return {
    ...require(root + 'encoder/GppModel.js'),
    ...require(root + 'encoder/section/Sections.js'),
  };
}

// ---------------------------------------------------------------- generator

let state = 1;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const chance = (p) => random() < p;
const letter = () => below(26);

const kAlphabet =
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

class Bits {
  constructor() { this.text = ''; }
  put(value, bits) {
    this.text += value.toString(2).padStart(bits, '0');
    return this;
  }
  // Pads to a multiple of `unit`.
  encode(unit) {
    let bits = this.text;
    while (bits.length % unit !== 0 || bits.length % 6 !== 0) bits += '0';
    let out = '';
    for (let i = 0; i < bits.length; i += 6) {
      out += kAlphabet[parseInt(bits.slice(i, i + 6), 2)];
    }
    return out;
  }
}

const kDay = 864000;  // Deciseconds.

function someVendors(most) {
  const ids = new Set();
  const runs = below(12);
  for (let i = 0; i < runs; ++i) {
    const first = 1 + below(most);
    const length = chance(0.5) ? 1 : 1 + below(60);
    for (let id = first; id < first + length && id <= most; ++id) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}

// Of a set: in whatever order, and however often, its ids come.
function rangesOf(ids) {
  const ranges = [];
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1];
    if (last && last[1] + 1 === id) {
      last[1] = id;
    } else {
      ranges.push([id, id]);
    }
  }
  return ranges;
}

function putRanges(bits, ids) {
  const ranges = rangesOf(ids);
  bits.put(ranges.length, 12);
  for (const [first, last] of ranges) {
    if (first === last && chance(0.9)) {
      bits.put(0, 1).put(first, 16);
    } else {
      bits.put(1, 1).put(first, 16).put(last, 16);
    }
  }
}

function putVendors(bits) {
  const ids = someVendors(chance(0.03) ? 65535 : 1200);
  const max = ids.length === 0 ? 0 : ids[ids.length - 1];
  bits.put(max, 16);
  if (chance(0.5) || max > 5000) {
    bits.put(1, 1);
    putRanges(bits, ids);
  } else {
    bits.put(0, 1);
    const set = new Set(ids);
    for (let id = 1; id <= max; ++id) bits.put(set.has(id) ? 1 : 0, 1);
  }
}

function mask(bits) {
  let text = '';
  for (let i = 0; i < bits; ++i) text += chance(0.5) ? '1' : '0';
  return text;
}

// A TC string by bits, as no library would vary them.
function writtenTcf() {
  const unit = chance(0.5) ? 24 : 6;
  const created = Math.floor(Date.UTC(2023, 9, 1) / 100) + below(1090) * kDay;
  const core = new Bits().put(2, 6).put(created, 36);
  core.put(created + (chance(0.3) ? kDay * below(30) : 0), 36);
  core.put(2 + below(4094), 12).put(2 + below(4094), 12).put(below(64), 6);
  core.put(letter(), 6).put(letter(), 6).put(below(4096), 12);
  core.put(4 + below(2), 6).put(1, 1).put(below(2), 1);
  core.text += mask(12) + mask(24);
  core.text += '0' + mask(1) + '0000' + mask(18);
  core.put(below(2), 1).put(letter(), 6).put(letter(), 6);
  putVendors(core);
  putVendors(core);
  const restrictions = new Map();
  for (let i = below(4); i > 0; --i) {
    const purpose = 1 + below(11);
    const type = below(3);
    const ids = someVendors(900);
    if (ids.length) restrictions.set(purpose * 4 + type, ids);
  }
  core.put(restrictions.size, 12);
  for (const [key, ids] of restrictions) {
    core.put(key >> 2, 6).put(key & 3, 2);
    putRanges(core, ids);
  }
  const segments = [];
  if (chance(0.9) || created >= Date.UTC(2026, 2, 1) / 100) {
    const disclosed = new Bits().put(1, 3);
    putVendors(disclosed);
    segments.push(disclosed.encode(unit));
  }
  if (chance(0.7)) {
    const custom = chance(0.5) ? 0 : below(64);
    const publisher = new Bits().put(3, 3);
    publisher.text += mask(24) + mask(24);
    publisher.put(custom, 6);
    publisher.text += mask(custom) + mask(custom);
    segments.push(publisher.encode(unit));
  }
  if (chance(0.5)) segments.reverse();
  return [core.encode(unit), ...segments].join('.');
}

let gvl = null;
function vendorList() {
  if (gvl) return gvl;
  const vendors = {};
  for (let id = 1; id <= 700; ++id) {
    if (id % 7 === 0) continue;
    vendors[id] = {
      id, name: 'vendor', policyUrl: '', purposes: [1, 2, 3, 4, 7, 9, 10],
      legIntPurposes: id % 3 ? [] : [8, 11],
      flexiblePurposes: [2, 7, 9, 10], specialPurposes: [], features: [],
      specialFeatures: [],
    };
  }
  const purposes = {};
  for (let id = 1; id <= 11; ++id) {
    purposes[id] = {id, name: '', description: '', illustrations: []};
  }
  gvl = new GVL({
    gvlSpecificationVersion: 3, vendorListVersion: 48, tcfPolicyVersion: 5,
    lastUpdated: '2025-01-01T00:00:00Z', purposes, specialPurposes: {},
    features: {}, specialFeatures: {1: {id: 1}, 2: {id: 2}}, vendors,
    stacks: {}, dataCategories: {},
  });
  return gvl;
}

// A TC string as the library writes it.
function libraryTcf() {
  const model = new TCModel(vendorList());
  model.cmpId = 2 + below(4000);
  model.cmpVersion = 2 + below(4000);
  model.consentScreen = below(64);
  model.publisherCountryCode = String.fromCharCode(65 + letter(), 65 + letter());
  model.isServiceSpecific = true;
  model.useNonStandardStacks = chance(0.5);
  model.purposeOneTreatment = chance(0.5);
  for (let p = 1; p <= 11; ++p) {
    if (chance(0.5)) model.purposeConsents.set(p);
    if (chance(0.5) && (p === 2 || p > 6)) {
      model.purposeLegitimateInterests.set(p);
    }
    if (chance(0.3)) model.publisherConsents.set(p);
  }
  model.vendorConsents.set(someVendors(700));
  model.vendorLegitimateInterests.set(someVendors(700));
  if (chance(0.5)) model.specialFeatureOptins.set(1);
  for (let i = below(3); i > 0; --i) {
    const restriction = new PurposeRestriction();
    restriction.purposeId = [2, 7, 9, 10][below(4)];
    restriction.restrictionType = chance(0.5) ? RestrictionType.NOT_ALLOWED
                                              : RestrictionType.REQUIRE_LI;
    for (const id of someVendors(700)) {
      model.publisherRestrictions.add(id, restriction);
    }
  }
  return TCString.encode(model,
                         {segments: ['core', 'vendorsDisclosed', 'publisherTC']});
}

const kStates = ['usva', 'usco', 'usut', 'usct', 'usfl', 'usmt', 'usor', 'ustx',
                 'usde', 'usia', 'usne', 'usnh', 'usnj', 'ustn', 'usmn', 'usmd',
                 'usin', 'usky', 'usri'];

function fillUs(model, name) {
  model.setFieldValue(name, fieldsOf(name)[0],
                      model.getFieldValue(name, fieldsOf(name)[0]) || 1);
  const old = name === 'usnat' && chance(0.4);
  if (old) model.setFieldValue(name, 'Version', 1);
  for (const field of fieldsOf(name).slice(1)) {
    const held = model.getFieldValue(name, field);
    if (Array.isArray(held)) {
      model.setFieldValue(name, field, held.map(() => below(3)));
    } else if (field === 'MspaCoveredTransaction') {
      model.setFieldValue(name, field, 1 + below(2));
    } else if (field === 'GpcSegmentType') {
      // As the library has it.
    } else if (typeof held === 'boolean') {
      model.setFieldValue(name, field, chance(0.5));
    } else {
      model.setFieldValue(name, field, below(3));
    }
  }
}

const fields = new Map();
function fieldsOf(name) {
  if (!fields.has(name)) {
    const file = name.slice(0, 2).replace('u', 'U') +
        name.slice(2, 3).toUpperCase() + name.slice(3);
    const root = require.resolve('@iabgpp/cmpapi').replace(/index\.js$/, '');
    const kinds = require(`${root}encoder/field/${file}Field.js`);
    fields.set(name, Object.values(Object.values(kinds).find(
        (kind) => kind && !Array.isArray(kind))));
  }
  return fields.get(name);
}

function someGpp() {
  const model = new GppModel();
  if (chance(0.3)) {
    const set = (field, value) => model.setFieldValue('tcfeuv2', field, value);
    set('CmpId', 2 + below(4094));
    set('CmpVersion', below(4096));
    set('ConsentScreen', below(64));
    set('ConsentLanguage', String.fromCharCode(65 + letter(), 65 + letter()));
    set('PublisherCountryCode',
        String.fromCharCode(65 + letter(), 65 + letter()));
    set('VendorListVersion', below(4096));
    set('PolicyVersion', 4 + below(2));
    set('IsServiceSpecific', true);
    set('UseNonStandardStacks', chance(0.5));
    set('PurposeOneTreatment', chance(0.5));
    const flags = (n) => Array.from({length: n}, () => chance(0.5));
    set('SpecialFeatureOptins', flags(12));
    set('PurposeConsents', flags(24));
    set('PurposeLegitimateInterests', flags(24));
    set('VendorConsents', someVendors(1000));
    set('VendorLegitimateInterests', someVendors(1000));
    set('VendorsDisclosed', someVendors(1000));
    set('PublisherConsents', flags(24));
    set('PublisherLegitimateInterests', flags(24));
    const custom = below(20);
    set('NumCustomPurposes', custom);
    set('PublisherCustomConsents', flags(custom));
    set('PublisherCustomLegitimateInterests', flags(custom));
  }
  if (chance(0.3)) {
    const word = () => 'YN-'[below(3)];
    model.setFieldValue('uspv1', 'Notice', word());
    model.setFieldValue('uspv1', 'OptOutSale', word());
    model.setFieldValue('uspv1', 'LspaCovered', word());
  }
  if (chance(0.5)) fillUs(model, 'usnat');
  if (chance(0.5)) fillUs(model, 'usca');
  for (const name of kStates) {
    if (chance(0.15)) fillUs(model, name);
  }
  return model.encode();
}

function broken(text) {
  const at = below(text.length);
  const other = kAlphabet[below(64)];
  switch (below(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + other + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1);
    default:
      return text.slice(0, at) + other + text.slice(at + 1);
  }
}

function generate(format, seed, count) {
  state = seed;
  const out = [];
  for (let i = 0; i < count; ++i) {
    let text;
    if (format === 'gpp') {
      text = someGpp();
    } else {
      text = i % 2 ? writtenTcf() : libraryTcf();
    }
    out.push(`+\t${text}`);
    if (i % 2 === 0) out.push(`?\t${broken(text)}`);
  }
  process.stdout.write(out.join('\n') + '\n');
}

// ----------------------------------------------------------------- compare

let compared = 0;

function same(what, ours, theirs) {
  ++compared;
  const a = JSON.stringify(ours);
  const b = JSON.stringify(theirs);
  if (a !== b) throw new Error(`${what}: ours ${a}, theirs ${b}`);
}

const setOf = (vector) => [...vector].filter(([, set]) => set)
                              .map(([id]) => id);
const truths = (flags) => flags.map((set, i) => (set ? i + 1 : 0))
                              .filter((id) => id > 0);

function compareTcf(text, ours) {
  const tc = TCString.decode(text);
  same('format', ours.format, 'tcf');
  same('Version', ours.Version, tc.version);
  same('Created', ours.Created, tc.created.toISOString());
  same('LastUpdated', ours.LastUpdated, tc.lastUpdated.toISOString());
  same('CmpId', ours.CmpId, tc.cmpId);
  same('CmpVersion', ours.CmpVersion, tc.cmpVersion);
  same('ConsentScreen', ours.ConsentScreen, tc.consentScreen);
  same('ConsentLanguage', ours.ConsentLanguage, tc.consentLanguage);
  same('VendorListVersion', ours.VendorListVersion, tc.vendorListVersion);
  same('TcfPolicyVersion', ours.TcfPolicyVersion, tc.policyVersion);
  same('IsServiceSpecific', ours.IsServiceSpecific, tc.isServiceSpecific);
  same('UseNonStandardTexts', ours.UseNonStandardTexts, tc.useNonStandardStacks);
  same('SpecialFeatureOptIns', ours.SpecialFeatureOptIns,
       setOf(tc.specialFeatureOptins));
  same('PurposesConsent', ours.PurposesConsent, setOf(tc.purposeConsents));
  same('PurposesLITransparency', ours.PurposesLITransparency,
       setOf(tc.purposeLegitimateInterests));
  same('PurposeOneTreatment', ours.PurposeOneTreatment, tc.purposeOneTreatment);
  same('PublisherCC', ours.PublisherCC, tc.publisherCountryCode);
  same('VendorsConsent', ours.VendorsConsent.Ranges,
       rangesOf(setOf(tc.vendorConsents)));
  same('VendorsLegitimateInterest', ours.VendorsLegitimateInterest.Ranges,
       rangesOf(setOf(tc.vendorLegitimateInterests)));
  same('VendorsDisclosed', (ours.VendorsDisclosed || {Ranges: []}).Ranges,
       rangesOf(setOf(tc.vendorsDisclosed)));
  const restrictions = tc.publisherRestrictions;
  const theirs = restrictions.getRestrictions()
      .map((one) => ({
        PurposeId: one.purposeId,
        RestrictionType: one.restrictionType,
        Ranges: rangesOf(restrictions.getVendors(one)),
      }));
  const byKey = (a, b) => (a.PurposeId - b.PurposeId) ||
      (a.RestrictionType - b.RestrictionType);
  same('PubRestrictions', [...ours.PubRestrictions].sort(byKey),
       theirs.sort(byKey));
  const own = ours.PublisherTC || {
    PubPurposesConsent: [], PubPurposesLITransparency: [],
    NumCustomPurposes: 0, CustomPurposesConsent: [],
    CustomPurposesLITransparency: [],
  };
  same('PublisherTC', own, {
    PubPurposesConsent: setOf(tc.publisherConsents),
    PubPurposesLITransparency: setOf(tc.publisherLegitimateInterests),
    NumCustomPurposes: tc.numCustomPurposes,
    CustomPurposesConsent: setOf(tc.publisherCustomConsents),
    CustomPurposesLITransparency: setOf(tc.publisherCustomLegitimateInterests),
  });
}

function compareTcfSection(ours, theirs) {
  same('Version', ours.Version, theirs.Version);
  same('Created', ours.Created, theirs.Created.toISOString());
  same('LastUpdated', ours.LastUpdated, theirs.LastUpdated.toISOString());
  for (const name of ['CmpId', 'CmpVersion', 'ConsentScreen',
                      'ConsentLanguage', 'VendorListVersion',
                      'IsServiceSpecific', 'PurposeOneTreatment']) {
    same(name, ours[name], theirs[name]);
  }
  same('TcfPolicyVersion', ours.TcfPolicyVersion, theirs.PolicyVersion);
  same('UseNonStandardTexts', ours.UseNonStandardTexts,
       theirs.UseNonStandardStacks);
  same('PublisherCC', ours.PublisherCC, theirs.PublisherCountryCode);
  same('SpecialFeatureOptIns', ours.SpecialFeatureOptIns,
       truths(theirs.SpecialFeatureOptins));
  same('PurposesConsent', ours.PurposesConsent,
       truths(theirs.PurposeConsents));
  same('PurposesLITransparency', ours.PurposesLITransparency,
       truths(theirs.PurposeLegitimateInterests));
  same('VendorsConsent', ours.VendorsConsent.Ranges,
       rangesOf(theirs.VendorConsents));
  same('VendorsLegitimateInterest', ours.VendorsLegitimateInterest.Ranges,
       rangesOf(theirs.VendorLegitimateInterests));
  same('PubRestrictions', ours.PubRestrictions,
       theirs.PublisherRestrictions.map((entry) => ({
         PurposeId: entry.getKey(),
         RestrictionType: entry.getType(),
         Ranges: rangesOf(entry.getIds()),
       })));
  if (ours.VendorsDisclosed) {
    same('VendorsDisclosed', ours.VendorsDisclosed.Ranges,
         rangesOf(theirs.VendorsDisclosed));
  }
  if (ours.PublisherTC) {
    same('PublisherTC', ours.PublisherTC, {
      PubPurposesConsent: truths(theirs.PublisherConsents),
      PubPurposesLITransparency: truths(theirs.PublisherLegitimateInterests),
      NumCustomPurposes: theirs.NumCustomPurposes,
      CustomPurposesConsent: truths(theirs.PublisherCustomConsents),
      CustomPurposesLITransparency:
          truths(theirs.PublisherCustomLegitimateInterests),
    });
  }
}

// What tells of a segment's presence or type stands in our JSON otherwise.
const kNotFields = new Set(['GpcSegmentType', 'GpcSegmentIncluded',
                            'SensitiveDataConsentSegmentIncluded']);

function compareGpp(text, ours) {
  const model = new GppModel(text);
  const theirs = model.toObject();
  same('format', ours.format, 'gpp');
  const known = ours.Sections.filter((section) => section.Name !== null);
  same('sections', known.map((section) => section.Id), model.getSectionIds());
  for (const section of known) {
    const their = theirs[section.Name];
    if (section.Name === 'tcfeuv2') {
      compareTcfSection(section, their);
      continue;
    }
    const gpc = /^us..$|^usnat$/.test(section.Name) &&
        section.Raw.includes('.');
    for (const [name, value] of Object.entries(their)) {
      if (kNotFields.has(name)) continue;
      if (name === 'Gpc' && !gpc) {
        same('no Gpc', section.Gpc, undefined);
        continue;
      }
      if (name === 'SensitiveDataProcessing' && !(name in section) && !gpc) {
        continue;
      }
      same(`${section.Name}.${name}`, section[name], value);
    }
    for (const name of Object.keys(section)) {
      if (['Id', 'Name', 'Raw'].includes(name)) continue;
      if (!(name in their)) throw new Error(`${section.Name}.${name} is ours`);
    }
  }
}

function compare(format, file) {
  let equal = 0;
  let refused = 0;
  let broken = 0;
  const faults = [];
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const [mark, text, ours] = line.split('\t');
    if (mark === '?') ++broken;
    if (ours === '-') {
      if (mark === '+') faults.push(`refused: ${text}`);
      ++refused;
      continue;
    }
    try {
      (format === 'tcf' ? compareTcf : compareGpp)(text, JSON.parse(ours));
      ++equal;
    } catch (error) {
      faults.push(`${mark} ${text}: ${error.message}`);
    }
  }
  for (const fault of faults.slice(0, 20)) console.error(fault);
  console.log(JSON.stringify(
      {equal, refused, broken, compared, faults: faults.length}));
}

function time(file) {
  const texts = fs.readFileSync(file, 'utf8').split('\n').filter((t) => t);
  const spans = [];
  for (let round = 0; round < 20; ++round) {
    const start = process.hrtime.bigint();
    for (const text of texts) TCString.decode(text);
    spans.push(Number(process.hrtime.bigint() - start) / 1000 / texts.length);
  }
  spans.sort((a, b) => a - b);
  console.log(spans[10].toFixed(2));
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'generate') {
  generate(rest[0], Number(rest[1]), Number(rest[2]));
} else if (command === 'compare') {
  compare(rest[0], rest[1]);
} else {
  time(rest[0]);
}
