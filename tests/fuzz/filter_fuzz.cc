// Filters of a selection over any answer: what one more filter lets pass, all
// before it let pass; "present" and "absent" are opposites.

#include <cstdint>
#include <string>

#include "gateway/access/select.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using fuzz::Input;
using fuzz::Require;

namespace {

v1::Value Make(Input* input) {
  v1::Value value;
  switch (input->Below(7)) {
    case 0:
      value.set_int_value(static_cast<int8_t>(input->Byte()));
      break;
    case 1:
      value.set_double_value(static_cast<int8_t>(input->Byte()) / 4.0);
      break;
    case 2:
      value.set_bool_value(input->Flag());
      break;
    case 3:
      value.set_date_value("2020-01-0" + std::to_string(input->Below(10)));
      break;
    case 4:
      value.mutable_time_value()->set_seconds(input->Byte());
      break;
    case 5:
      value.mutable_money_value()->set_minor_units(input->Byte());
      value.mutable_money_value()->set_currency(input->Flag() ? "EUR" : "USD");
      break;
    default:
      value.set_string_value(std::string(input->Text(2)));
  }
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  v1::ReadSubjectResponse response;
  for (int i = input.Below(4); i > 0; --i) {
    v1::Field* field = input.Flag() ? response.add_records()->add_fields()
                                    : response.add_fields();
    field->set_name(input.Flag() ? "k.a" : "k.b");
    *field->mutable_value() = Make(&input);
  }
  v1::SelectSubjectsRequest request;
  bool before = true;
  while (!input.empty() && request.filters_size() < 8) {
    v1::FieldFilter* filter = request.add_filters();
    filter->set_field(input.Flag() ? "k.a" : "k.b");
    switch (input.Below(4)) {
      case 0:
        *filter->mutable_equals() = Make(&input);
        break;
      case 1:
        *filter->mutable_range()->mutable_from() = Make(&input);
        *filter->mutable_range()->mutable_to() = Make(&input);
        break;
      case 2:
        *filter->mutable_range()->mutable_from() = Make(&input);
        break;
      default:
        filter->set_present(input.Flag());
    }
    v1::SelectSubjectsRequest alone;
    *alone.add_filters() = *filter;
    const bool passes = access::PassesFilters(alone.filters(), response);
    if (filter->test_case() == v1::FieldFilter::kPresent) {
      alone.mutable_filters(0)->set_present(!filter->present());
      Require(access::PassesFilters(alone.filters(), response) != passes);
    }
    const bool all = access::PassesFilters(request.filters(), response);
    Require(all == (before && passes));
    before = all;
  }
  return 0;
}
