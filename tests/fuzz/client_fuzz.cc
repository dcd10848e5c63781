// Any registration that an administrator may ask for: it is refused with the
// faults told, or allows what it says and nothing else.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/clients/client_rules.h"
#include "gateway/clients/registration.h"
#include "policy/engine/text_config.h"
#include "tests/differential/small_world.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using fuzz::Input;
using fuzz::Require;

namespace {

constexpr int64_t kNowUs = 1'795'000'000'000'000;

const policy::Bundle& SmallBundle() {
  static const auto* const bundle = [] {
    const auto world = policy_model::SmallWorld();
    policy::BundleSources sources;
    sources.catalog = policy::Unlocated(world.catalog);
    sources.purposes = policy::Unlocated(world.purposes);
    sources.profile = policy::Unlocated(world.profile);
    for (const auto& pack : world.packs) {
      sources.packs.push_back(policy::Unlocated(pack));
    }
    return new std::shared_ptr<const policy::Bundle>(
        policy::Bundle::Compile(std::move(sources)).value());
  }();
  return **bundle;
}

// Names that the policy knows, and others.
v1::Client Make(Input* input) {
  const policy::Bundle& bundle = SmallBundle();
  const auto purpose = [&] {
    return bundle
        .purpose(policy::PurposeId{static_cast<uint16_t>(
            input->Below(static_cast<int>(bundle.purpose_count())))})
        .key();
  };
  const auto category = [&] {
    const std::string& whole =
        bundle
            .field(static_cast<policy::FieldId>(
                input->Below(static_cast<int>(bundle.field_count()))))
            .category();
    return whole.substr(0, input->Byte());
  };
  v1::Client client;
  client.set_id("client");
  client.set_role(static_cast<v1::Role>(input->Below(v1::Role_MAX + 2)));
  while (!input->empty()) {
    switch (input->Below(9)) {
      case 0:
        client.add_purposes(purpose());
        break;
      case 1:
        client.add_read_categories(category());
        break;
      case 2:
        client.add_write_categories(category());
        break;
      case 3:
        client.add_channels(static_cast<v1::Channel>(input->Below(70)));
        break;
      case 4:
        client.add_attests(purpose() + std::string(input->Text(8)));
        break;
      case 5:
        client.set_country(std::string(input->Text(3)));
        break;
      case 6:
        client.set_transfer_ground(input->Flag() ? "scc" : "adequacy");
        break;
      case 7:
        client.mutable_expire_time()->set_seconds(kNowUs / 1'000'000 +
                                                  input->Byte() * 100'000);
        break;
      default:
        client.add_sources(std::string(input->Text(8)));
    }
  }
  return client;
}

bool Lists(const google::protobuf::RepeatedPtrField<std::string>& list,
           std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool Covers(const google::protobuf::RepeatedPtrField<std::string>& prefixes,
            std::string_view category) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) {
                       return category == prefix ||
                              (category.substr(0, prefix.size()) == prefix &&
                               category.substr(prefix.size(), 1) == ".");
                     });
}

void CheckCompiled(const v1::Client& client) {
  const policy::Bundle& bundle = SmallBundle();
  const auto registration = clients::Registration::Compile(
      client, bundle, {}, std::make_shared<clients::ClientUse>());
  for (size_t p = 0; p < bundle.purpose_count(); ++p) {
    const policy::PurposeId purpose{static_cast<uint16_t>(p)};
    const std::string& key = bundle.purpose(purpose).key();
    Require(registration->AllowsPurpose(purpose) ==
            Lists(client.purposes(), key));
    Require(!registration->MayAttest(key, "notice") ||
            Lists(client.attests(), key) ||
            Lists(client.attests(), key + "@notice"));
  }
  for (size_t f = 0; f < bundle.field_count(); ++f) {
    const auto field = static_cast<policy::FieldId>(f);
    const std::string& category = bundle.field(field).category();
    Require(!registration->MayRead(field) ||
            Covers(client.read_categories(), category));
    Require(!registration->MayWrite(field) ||
            Covers(client.write_categories(), category));
  }
  for (int i = v1::Channel_MIN + 1; i <= v1::Channel_MAX; ++i) {
    const auto channel = static_cast<v1::Channel>(i);
    Require(registration->AllowsChannel(channel) ==
            (client.channels().empty() ||
             std::find(client.channels().begin(), client.channels().end(), i) !=
                 client.channels().end()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  v1::Client client;
  if (input.Flag()) {
    client = Make(&input);
  } else {
    const std::string text(input.Rest());
    clients::ParseKey(text).IgnoreError();
    if (!client.ParseFromString(text)) return 0;
    // The shape of a time is checked before (gateway/rpc/validate.h).
    client.clear_expire_time();
  }
  const auto faults =
      clients::CheckClient(client, SmallBundle(), kNowUs, "client.");
  for (const auto& fault : faults) {
    Require(fault.field.rfind("client.", 0) == 0 && !fault.description.empty());
  }
  if (faults.empty()) CheckCompiled(client);
  return 0;
}
