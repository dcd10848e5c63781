#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

template <class Request>
void CheckQuestion(const Request& request, FaultList* faults) {
  CheckKey(request.purpose(), "purpose", faults);
  CheckFields(request.fields(), faults);
  CheckChannel(request.channel(), "channel", faults);
  CheckContext(request.context(), faults);
}

template <class Values>
void CheckValues(const Values& values, const std::string& field,
                 FaultList* faults) {
  if (values.size() > static_cast<size_t>(kMaxValuesPerRecord)) {
    faults->AddTooMany(field, kMaxValuesPerRecord);
    return;
  }
  for (const auto& [name, value] : values) {
    // A name that is no key is not repeated: it may be a value gone astray.
    FaultList names;
    CheckKey(name, field, &names, 32);
    if (!names.empty()) {
      faults->Add(field, "holds a name that is no field key");
      continue;
    }
    CheckValue(value, Dot(field, name), faults);
  }
}

void CheckLegalFacts(const v1::LegalFacts& facts, const std::string& field,
                     FaultList* faults) {
  CheckText(facts.residence(), Dot(field, "residence"), 6, faults);
  CheckText(facts.birth_date(), Dot(field, "birth_date"), 10, faults);
}

void CheckRow(const v1::ImportRow& row, const std::string& field,
              FaultList* faults) {
  if (row.number() == 0) faults->Add(Dot(field, "number"), "counts from 1");
  if (row.identifiers_size() > kMaxIdentifiersPerWrite) {
    faults->AddTooMany(Dot(field, "identifiers"), kMaxIdentifiersPerWrite);
  }
  // What is malformed inside a row is for the row's own result; the bounds are
  // the message's.
  for (int i = 0; i < row.identifiers_size(); ++i) {
    if (row.identifiers(i).value().size() > kMaxIdentifierBytes) {
      faults->AddTooMany(Dot(field, At("identifiers", i)), kMaxIdentifierBytes);
    }
  }
  CheckKey(row.kind(), Dot(field, "kind"), faults);
  CheckText(row.source_key(), Dot(field, "source_key"), kMaxSourceKeyBytes,
            faults);
  CheckValues(row.values(), Dot(field, "values"), faults);
  if (row.choices_size() > kMaxChoicesPerRow) {
    faults->AddTooMany(Dot(field, "choices"), kMaxChoicesPerRow);
  }
  CheckTime(row.has_collect_time(), row.collect_time(),
            Dot(field, "collect_time"), faults);
}

}  // namespace

void Validate(const v1::ReadSubjectRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckQuestion(request, faults);
  CheckToken(request.consistency_token(), "consistency_token", kMaxTokenBytes,
             faults);
}

void Validate(const v1::BatchReadSubjectsRequest& request, FaultList* faults) {
  CheckSubjects(request.subjects(), kMaxBatch, faults);
  CheckQuestion(request, faults);
}

void Validate(const v1::StreamReadsRequest& request, FaultList* faults) {
  CheckSubjects(request.subjects(), kMaxStreamSubjects, faults);
  CheckQuestion(request, faults);
}

void Validate(const v1::SelectSubjectsRequest& request, FaultList* faults) {
  CheckQuestion(request, faults);
  if (request.filters_size() > kMaxFilters) {
    faults->AddTooMany("filters", kMaxFilters);
  } else {
    for (int i = 0; i < request.filters_size(); ++i) {
      const v1::FieldFilter& filter = request.filters(i);
      const std::string field = At("filters", i);
      CheckKey(filter.field(), Dot(field, "field"), faults, kMaxFieldNameBytes);
      switch (filter.test_case()) {
        case v1::FieldFilter::kEquals:
          CheckValue(filter.equals(), Dot(field, "equals"), faults);
          break;
        case v1::FieldFilter::kRange:
          CheckValue(filter.range().from(), Dot(field, "range.from"), faults);
          CheckValue(filter.range().to(), Dot(field, "range.to"), faults);
          break;
        case v1::FieldFilter::kPresent:
          break;
        case v1::FieldFilter::TEST_NOT_SET:
          faults->Add(field, "needs a test");
          break;
      }
    }
  }
  CheckPage(request.page_size(), kMaxSelectPageSize, request.page_token(),
            faults);
}

void Validate(const v1::WriteRecordRequest& request, FaultList* faults) {
  CheckSubjects(request.subjects(), kMaxIdentifiersPerWrite, faults);
  CheckKey(request.source(), "source", faults);
  CheckKey(request.kind(), "kind", faults);
  CheckText(request.source_key(), "source_key", kMaxSourceKeyBytes, faults);
  if (request.source_key().empty()) faults->Add("source_key", "is required");
  CheckValues(request.values(), "values", faults);
  CheckTime(request.has_collect_time(), request.collect_time(), "collect_time",
            faults);
  CheckKey(request.purpose(), "purpose", faults);
  CheckLegalFacts(request.legal_facts(), "legal_facts", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ImportRecordsRequest& request, FaultList* faults) {
  switch (request.part_case()) {
    case v1::ImportRecordsRequest::kHeader: {
      const v1::ImportHeader& header = request.header();
      CheckKey(header.source(), "header.source", faults);
      CheckKey(header.purpose(), "header.purpose", faults);
      CheckText(header.label(), "header.label", kMaxLabelBytes, faults);
      if (header.label().empty()) faults->Add("header.label", "is required");
      CheckContext(header.context(), faults);
      break;
    }
    case v1::ImportRecordsRequest::kRows:
      if (request.rows().rows().empty()) {
        faults->Add("rows.rows", "is required");
      } else if (request.rows().rows_size() > kMaxBatch) {
        faults->AddTooMany("rows.rows", kMaxBatch);
      } else {
        for (int i = 0; i < request.rows().rows_size(); ++i) {
          CheckRow(request.rows().rows(i), At("rows.rows", i), faults);
        }
      }
      break;
    case v1::ImportRecordsRequest::PART_NOT_SET:
      faults->Add("part", "a message needs a header or rows");
      break;
  }
}

void Validate(const v1::CheckAccessRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckQuestion(request, faults);
}

void Validate(const v1::ExplainDecisionRequest& request, FaultList* faults) {
  if (request.decision_id().empty()) {
    faults->Add("decision_id", "is required");
  }
  CheckToken(request.decision_id(), "decision_id", kMaxTokenBytes, faults);
}

}  // namespace consentry::rpc
