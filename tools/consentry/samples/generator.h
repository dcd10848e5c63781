#ifndef CONSENTRY_TOOLS_CONSENTRY_SAMPLES_GENERATOR_H_
#define CONSENTRY_TOOLS_CONSENTRY_SAMPLES_GENERATOR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::tools {

// The touchpoints of a shop that does not exist, with the dirt of real exports:
// repeated rows, mixed formats of dates, spaces, shouting, decimal commas, one
// file in Windows-1252, missing values, shared addresses and telephones, broken
// e-mail addresses, cells that a spreadsheet would run, birth dates that differ
// between sources, choices in free text. Every address is of example.com, .org
// or .net, every telephone number of a block kept for fiction.
struct SampleOptions {
  uint64_t seed = 1;
  // At least 100.
  int customers = 2000;
  // Ages and open tickets are drawn back from here.
  absl::CivilDay today{2026, 1, 1};
};

struct SampleFile {
  std::string name;  // "crm.csv"
  // Of EmbeddedSampleMaps().
  std::string map;  // "crm.txtpb"
  std::string content;
};

// In the order in which to import them. The same for the same options on every
// machine.
std::vector<SampleFile> GenerateSamples(const SampleOptions& options);

// Their import maps, for the catalog and purposes that `consentry init` writes.
absl::Span<const EmbeddedFile> EmbeddedSampleMaps();

// Writes files and maps into `directory`, which is made if need be.
absl::Status WriteSamples(const SampleOptions& options,
                          const std::string& directory);

// Customers that are always there, by their number in the CRM (external_id,
// namespace "crm").
// A German of 37 with an open ticket, who never answered about marketing.
inline constexpr std::string_view kSampleGerman = "C-1001";
// A Frenchwoman of 44 who consented to marketing by e-mail.
inline constexpr std::string_view kSampleFrench = "C-1002";
// A Californian of 51 who said nothing about the sale of data.
inline constexpr std::string_view kSampleCalifornian = "C-1003";
// A German of 15 for whom the CRM claims a consent to marketing.
inline constexpr std::string_view kSampleMinor = "C-1004";
// A Virginian of 62.
inline constexpr std::string_view kSampleVirginian = "C-1005";
// A Briton of 29 who refused marketing.
inline constexpr std::string_view kSampleBriton = "C-1006";

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SAMPLES_GENERATOR_H_
