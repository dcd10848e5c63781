#include "tests/differential/small_world.h"

#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"

namespace consentry::policy_model {

const char kSmallCatalog[] = R"txtpb(
kinds {
  key: "profile"
  single: true
  fields { key: "name" type: STRING category: "user.name" retention_months: 36 }
  fields {
    key: "email"
    type: EMAIL
    category: "user.contact.email"
    retention_months: 36
  }
  fields {
    key: "birth_date"
    type: DATE
    category: "user.demographic.date_of_birth"
    retention_months: 36
    legal_fact: BIRTH_DATE
  }
  fields {
    key: "allergies"
    type: STRING
    category: "user.health_and_medical"
    retention_months: 12
  }
  fields {
    key: "segment"
    type: STRING
    category: "user.behavior"
    reveals: "user.health_and_medical.genetic"
    retention_months: 6
  }
}
kinds {
  key: "ticket"
  fields {
    key: "opened"
    type: TIMESTAMP
    category: "system.operations"
    retention_months: 24
  }
  fields { key: "text" type: TEXT category: "user.content" retention_months: 24 }
  opened_field: "opened"
}
)txtpb";

const char kSmallPurposes[] = R"txtpb(
purposes {
  key: "support"
  purpose_class: SUPPORT
  text { language: "en" text: "We answer you." }
  fields { field: "profile.name" transform: NONE }
  fields { field: "profile.email" transform: NONE }
  fields { field: "profile.allergies" transform: NONE }
  fields { field: "ticket.text" transform: NONE }
  bases {
    regimes: "ask-first"
    basis: CONTRACT
    necessity_note: "support-1"
    special_gate: EXPLICIT_CONSENT
  }
  bases {
    regimes: "opt-out"
    basis: NOTICE
    notice_id: "privacy"
    notice_version: 1
  }
  context { kind: "ticket" within_days: 30 }
  channels: INTERNAL
  transfers { to: "US" safeguard: STANDARD_CLAUSES document: "clauses-1" }
}
purposes {
  key: "newsletter"
  purpose_class: DIRECT_MARKETING
  text { language: "en" text: "We write to you." }
  fields { field: "profile.name" transform: NONE }
  fields { field: "profile.email" transform: NONE }
  fields { field: "profile.birth_date" transform: YEAR }
  bases {
    regimes: "ask-first"
    basis: CONSENT
    notice_id: "news"
    notice_version: 2
  }
  bases {
    regimes: "opt-out"
    basis: NOTICE
    notice_id: "privacy"
    notice_version: 1
  }
  channels: EMAIL
  channels: POST
}
purposes {
  key: "existing_customers"
  purpose_class: DIRECT_MARKETING
  text { language: "en" text: "We write to customers." }
  fields { field: "profile.name" transform: NONE }
  fields { field: "profile.email" transform: NONE }
  bases {
    regimes: "ask-first"
    basis: LEGITIMATE_INTEREST
    lia: "lia-1"
  }
  bases {
    regimes: "opt-out"
    basis: NOTICE
    notice_id: "privacy"
    notice_version: 1
  }
  channels: EMAIL
  channels: POST
  soft_opt_in { own_similar_products: true way_out_in_every_message: true }
}
purposes {
  key: "partners"
  purpose_class: SALE_OR_SHARE
  text { language: "en" text: "We share with partners." }
  fields { field: "profile.email" transform: PSEUDONYM }
  fields { field: "profile.segment" transform: NONE }
  bases {
    regimes: "ask-first"
    basis: EXPLICIT_CONSENT
    notice_id: "partners"
    notice_version: 1
    special_gate: EXPLICIT_CONSENT
  }
  bases {
    regimes: "opt-out"
    basis: NOTICE
    notice_id: "privacy"
    notice_version: 1
  }
  channels: PARTNER
  transfers { to: "US" safeguard: STANDARD_CLAUSES document: "clauses-2" }
}
purposes {
  key: "analytics"
  purpose_class: ANALYTICS
  text { language: "en" text: "We count." }
  fields { field: "profile.birth_date" transform: AGE_BAND }
  fields { field: "profile.segment" transform: NONE }
  bases {
    regimes: "ask-first"
    basis: LEGITIMATE_INTEREST
    lia: "lia-2"
  }
  bases {
    regimes: "opt-out"
    basis: NOTICE
    notice_id: "privacy"
    notice_version: 1
  }
  channels: INTERNAL
  retention_months: 3
}
purposes {
  key: "credit"
  purpose_class: SIGNIFICANT_DECISION
  text { language: "en" text: "We decide on credit." }
  dpia: "dpia-1"
  fields { field: "profile.name" transform: NONE }
  fields { field: "profile.birth_date" transform: NONE }
  fields { field: "profile.allergies" transform: NONE }
  bases {
    regimes: "ask-first"
    fields: "profile.name"
    fields: "profile.birth_date"
    basis: CONTRACT
    necessity_note: "credit-1"
  }
  bases {
    regimes: "ask-first"
    basis: LEGITIMATE_INTEREST
    lia: "lia-3"
  }
  bases {
    regimes: "opt-out"
    basis: NOTICE
    notice_id: "privacy"
    notice_version: 1
  }
  channels: INTERNAL
}
)txtpb";

const char kSmallProfile[] = R"txtpb(
home: "DE"
markets: "FR"
markets: "US-CA"
thresholds: "opt-out.business"
utc_offset_minutes: 60
)txtpb";

const char kSmallAskFirst[] = R"txtpb(
id: "ask-first"
kind: LEGAL
title: "A regime that asks first"
groups { name: "UNION" members: "DE" members: "FR" }
attach {
  rule { id: "attach" citation: "Act 1" evidence: CHECKED }
  residence_or_location: "@UNION"
}
uses {
  rule { id: "use.support" citation: "Act 2" evidence: CHECKED }
  classes: SUPPORT
  mode: BY_BASIS
  bases { basis: CONTRACT }
  bases { basis: LEGITIMATE_INTEREST }
}
uses {
  rule { id: "use.marketing" citation: "Act 3" evidence: CHECKED }
  classes: DIRECT_MARKETING
  channels: EMAIL
  mode: SOFT_OPT_IN
  bases { basis: CONSENT }
  bases { basis: LEGITIMATE_INTEREST }
  soft_opt_in_months: 24
}
uses {
  rule { id: "use.marketing.post" citation: "Act 3a" evidence: UNCHECKED }
  classes: DIRECT_MARKETING
  channels: POST
  mode: BY_BASIS
  bases { basis: CONSENT }
  bases { basis: LEGITIMATE_INTEREST }
}
uses {
  rule { id: "use.sale" citation: "Act 4" evidence: CHECKED }
  classes: SALE_OR_SHARE
  mode: OPT_IN_EXPLICIT
  bases { basis: EXPLICIT_CONSENT }
}
uses {
  rule { id: "use.analytics" citation: "Act 5" evidence: CHECKED }
  classes: ANALYTICS
  mode: BY_BASIS
  bases { basis: LEGITIMATE_INTEREST }
}
uses {
  rule { id: "use.decision" citation: "Act 6" evidence: CHECKED }
  classes: SIGNIFICANT_DECISION
  mode: BY_BASIS
  bases { basis: CONTRACT }
  bases { basis: LEGITIMATE_INTEREST condition: "balanced" }
}
sensitive_categories: "user.health_and_medical"
sensitive {
  rule { id: "sensitive" citation: "Act 9" evidence: CHECKED }
  demand: GATE
  gates: EXPLICIT_CONSENT
}
minors {
  rule { id: "minor.consent" citation: "Act 8" evidence: CHECKED }
  below_age: 16
  below_age_in { jurisdictions: "FR" below_age: 15 }
  action: CONSENT_BY_PARENT
}
minors {
  rule { id: "minor.interest" citation: "Act 8a" evidence: CHECKED }
  below_age: 18
  bases: LEGITIMATE_INTEREST
  action: DENY
}
objections {
  rule { id: "objection.marketing" citation: "Act 21(2)" evidence: CHECKED }
  kind: DIRECT_MARKETING
  classes: DIRECT_MARKETING
}
objections {
  rule { id: "objection" citation: "Act 21(1)" evidence: CHECKED }
  kind: PURPOSE
  bases: LEGITIMATE_INTEREST
}
signals {
  rule { id: "signal" citation: "Act 21(5)" evidence: CHECKED }
  signal: GPC
  classes: SALE_OR_SHARE
}
restrictions {
  rule { id: "restriction" citation: "Act 18" evidence: CHECKED }
  still_permitted: SUPPORT
}
transfers {
  rule { id: "transfer" citation: "Act 44" evidence: CHECKED }
  area: "@UNION"
  adequate: "JP"
  safeguards: STANDARD_CLAUSES
}
automated_decisions {
  rule { id: "decision" citation: "Act 22" evidence: CHECKED }
  bases: CONTRACT
  human: BEFORE_EFFECT
  notice: true
}
)txtpb";

const char kSmallOptOut[] = R"txtpb(
id: "opt-out"
kind: LEGAL
title: "A regime that lets opt out"
attach {
  rule { id: "attach" citation: "Code 1" evidence: CHECKED }
  residence: "US-CA"
  thresholds: "opt-out.business"
}
uses {
  rule { id: "use.notice" citation: "Code 2" evidence: CHECKED }
  classes: SUPPORT
  classes: ANALYTICS
  classes: SIGNIFICANT_DECISION
  mode: NOTICE
  bases { basis: NOTICE }
}
uses {
  rule { id: "use.opt-out" citation: "Code 3" evidence: CHECKED }
  classes: SALE_OR_SHARE
  classes: DIRECT_MARKETING
  mode: OPT_OUT
  bases { basis: NOTICE }
}
sensitive_categories: "user.health_and_medical.genetic"
sensitive {
  rule { id: "sensitive.limit" citation: "Code 4" evidence: CHECKED }
  demand: OPT_OUT
}
minors {
  rule { id: "minor.self" citation: "Code 5" evidence: CHECKED }
  from_age: 13
  below_age: 16
  classes: SALE_OR_SHARE
  action: OPT_IN_BY_SELF
}
minors {
  rule { id: "minor.parent" citation: "Code 5" evidence: CHECKED }
  below_age: 13
  classes: SALE_OR_SHARE
  action: OPT_IN_BY_PARENT
}
opt_outs {
  rule { id: "opt-out.sale" citation: "Code 6" evidence: CHECKED }
  opt_out: SALE
  classes: SALE_OR_SHARE
}
opt_outs {
  rule { id: "opt-out.marketing" citation: "Code 7" evidence: CHECKED }
  opt_out: DIRECT_MARKETING
  classes: DIRECT_MARKETING
  channels: EMAIL
}
signals {
  rule {
    id: "signal"
    citation: "Code 8"
    valid_from: "2023-01-01"
    evidence: CHECKED
  }
  signal: GPC
  classes: SALE_OR_SHARE
}
)txtpb";

const char kSmallOwner[] = R"txtpb(
id: "own"
kind: OWNER
owner_rules {
  rule { id: "night" citation: "House rule 1" }
  classes: DIRECT_MARKETING
  channels: EMAIL
  from_hour: 22
  to_hour: 7
  effect: DENY
}
owner_rules {
  rule { id: "age" citation: "House rule 2" }
  purposes: "credit"
  fields: "profile.birth_date"
  effect: TRANSFORM
  transform: YEAR
}
)txtpb";

namespace {

template <class T>
T Parse(const char* text) {
  T message;
  GOOGLE_CHECK(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

}  // namespace

World SmallWorld() {
  World world;
  world.catalog = Parse<config::v1::Catalog>(kSmallCatalog);
  world.purposes = Parse<config::v1::PurposeRegistry>(kSmallPurposes);
  world.profile = Parse<config::v1::ControllerProfile>(kSmallProfile);
  world.packs.push_back(Parse<config::v1::Pack>(kSmallAskFirst));
  world.packs.push_back(Parse<config::v1::Pack>(kSmallOptOut));
  world.packs.push_back(Parse<config::v1::Pack>(kSmallOwner));
  return world;
}

}  // namespace consentry::policy_model
