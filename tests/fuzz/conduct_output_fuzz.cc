// Any output with any evidence, history and figures: it is judged without a
// fault, the same twice, and a vulnerability more is never milder.
#include <cstdint>
#include <string>

#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook.h"
#include "tests/fuzz/input.h"

namespace {

using consentry::fuzz::Input;
using consentry::fuzz::Require;
using namespace consentry::conduct;  // NOLINT

void DealMoney(Input* in, consentry::v1::Money* money) {
  money->set_currency(in->Flag() ? "EUR" : std::string(in->Text(4)));
  money->set_minor_units(static_cast<int64_t>(in->Number()));
}

void DealTime(Input* in, google::protobuf::Timestamp* time) {
  time->set_seconds(in->Flag() ? 1'795'341'600 + in->Byte() * 60
                               : static_cast<int64_t>(in->Number()));
  if (in->Flag()) time->set_nanos(static_cast<int32_t>(in->Number()));
}

void DealOutput(Input* in, consentry::v1::Output* output) {
  output->set_kind(static_cast<consentry::v1::OutputKind>(in->Below(12)));
  output->set_model(std::string(in->Text(8)));
  output->set_item(std::string(in->Text(8)));
  output->set_label(std::string(in->Text(32)));
  output->set_score(static_cast<double>(in->Number()) / in->Byte());
  if (in->Flag()) DealMoney(in, output->mutable_price());
  if (in->Flag()) DealMoney(in, output->mutable_base_price());
  for (int i = in->Below(4); i > 0; --i) {
    output->add_input_categories(in->Flag() ? "user.behavior.emotion"
                                            : std::string(in->Text(40)));
  }
  for (int i = in->Below(3); i > 0; --i) {
    output->add_disclosures(std::string(in->Text(24)));
  }
  for (int i = in->Below(5); i > 0; --i) {
    auto* evidence = output->add_evidence();
    if (in->Flag()) evidence->set_source("shop");
    if (in->Flag()) DealTime(in, evidence->mutable_time());
    switch (in->Below(5)) {
      case 0:
        evidence->set_stock(static_cast<int64_t>(in->Number()));
        break;
      case 1:
        DealTime(in, evidence->mutable_offer_end());
        break;
      case 2:
        evidence->set_count(static_cast<int64_t>(in->Number()));
        break;
      case 3:
        DealMoney(in, evidence->mutable_reference_price());
        break;
      default:
        break;
    }
  }
  if (in->Flag()) DealTime(in, output->mutable_deliver_time());
}

int64_t Near(Input* in) {
  return in->Flag() ? 1'795'341'600'000'000 - in->Byte() * 3'600'000'000LL
                    : static_cast<int64_t>(in->Number());
}

void DealQuestion(Input* in, Question* question) {
  question->purpose = in->Flag() ? "p" : "q";
  question->purpose_class =
      static_cast<consentry::policy::PurposeClass>(in->Below(21));
  question->channel = static_cast<consentry::policy::Channel>(in->Below(15));
  if (in->Flag()) question->regimes.push_back("eu-gdpr");
  question->time_us = Near(in);
  SubjectState& subject = question->subject;
  if (in->Flag()) subject.age = static_cast<int>(in->Number());
  if (in->Flag()) subject.residences.push_back(std::string(in->Text(6)));
  subject.time_zone = std::string(in->Text(16));
  for (int i = in->Below(6); i > 0; --i) {
    Contact contact;
    contact.time_us = Near(in);
    contact.decided_us = Near(in);
    contact.purpose = in->Flag() ? "p" : "q";
    contact.purpose_class = question->purpose_class;
    contact.channel = question->channel;
    contact.pressing = in->Flag();
    subject.contacts.contacts.push_back(contact);
  }
  for (int i = in->Below(3); i > 0; --i) {
    subject.contacts.refusals.push_back({.time_us = Near(in)});
  }
  question->others.count = static_cast<int64_t>(in->Number());
  question->others.currency = "EUR";
  question->others.min = static_cast<int64_t>(in->Number());
  question->others.median = static_cast<int64_t>(in->Number());
  question->others.max = static_cast<int64_t>(in->Number());
  for (int i = in->Below(4); i > 0; --i) {
    question->deadlines.push_back(
        {.offer_end_us = Near(in), .shown_us = Near(in)});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  consentry::v1::Output output;
  DealOutput(&in, &output);
  Question question;
  question.output = &output;
  DealQuestion(&in, &question);
  const std::string_view text = in.Rest();
  output.set_text(std::string(text));
  const TextScan scan = TextScanner::Shipped().Scan(text);
  question.scan = &scan;

  const Rulebook& rules = Rulebook::Shipped();
  const Judgement got = Judge(rules, question);
  Require(got == Judge(rules, question));
  for (const Finding& finding : got.findings) {
    Require(finding.action <= got.action);
    Require(finding.length == 0 ||
            finding.start + finding.length <= text.size());
  }
  if (got.charge) {
    Record(rules, *got.charge, &question.subject.contacts);
    Require(question.subject.contacts.contacts.size() <= kMaxContacts);
  }
  for (int kind = 1; kind <= 5; ++kind) {
    question.subject.vulnerabilities.insert(
        static_cast<consentry::v1::VulnerabilityKind>(kind));
    Require(Judge(rules, question).action >= got.action);
  }
  return 0;
}
