#include "tools/consentry/bench_signals.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "policy/signals/tcf.h"

namespace consentry::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kTcString[] =
    "CQuFeUAQuFeUAEsADAENCOFgAPLAAELAAAYgK7qzKd7xZ_Ppa77_5zvzh__Prz--R73w50"
    "auJdpKCXOMMlxnppCOZEcHt4O1r2X51_kXQrzLOPtWEldbWylPhlZ13-tIbR24pf8lMf1n"
    "fv3X3XbuB_oMynkdNzj_A95_ci1kMrJrP-R1k1b78MkjnPy5C95nMkX8X-7iaE17_pd85G"
    "0z70xl-0cYej7byXPQDC0gV61_66u2Y4DH1Cf1NmFtMxPt6SeeFP-tod0uDZL4K7JyIdga"
    "IahZQJj2IXGihh7B7QH0CCxAG8aIIJgGCMKMMhovwADEQQQAk2EwWK0dhagBQiwBObFUAA"
    "ZbOQAJhAJV3POOCQmIpT7NEDIjJpBBEfEqIPEE4L0NADjdBhh7EEfhApw9ELCWkhQAutWA"
    "dYmrGx9hQESgXIqLwE0l0gGsxiElDhSEmIUBejq7USEQDRAA0k1HMqqgAsBEjAn1BAFBAj"
    "FoeBIkkvOoKfEOlBBwAggBYAJgAYgBdAD3AMQAaIA9ACPwE8AKrAVoAwEBjoDeQHEgOXAd"
    "KA6wCIQFDgKdgVKHgEwAJgAWACWAF4ANIAeABFAFhgNMA04CAAF7gMDAbGA5EB44D7gJCg"
    "SmArsA.IK7r3Kd7_9_v5a77_53_zh__P73_-T73w_8avp9peifOMcl9v9pjOZUcHt-u1_-"
    "399_lXR7zvO_92Vldb-zlvhlf33__ubR26p__tv_9nfv333ff-J_8M6_0fv_z_B95_fm_l"
    "Nr5___T3k177_t2j_f-7W9___mX8X-7v6U9__vf87m23737t-8dbej7723PQLz8g1-3_-6"
    "u2Z8DH3u_9NnHtMzvv-3--nv_tqf0unZL4AAA.YAAAAAAAAAAA";

// Microseconds of one decoding, median of 20 rounds of 200. Nothing in it needs
// an escape inside of single quotes.
constexpr char kNpmProgram[] =
    "const {TCString} = require(\"@iabtcf/core\");"
    "const spans = [];"
    "for (let round = 0; round < 20; ++round) {"
    "  const start = process.hrtime.bigint();"
    "  for (let i = 0; i < 200; ++i) TCString.decode(process.argv[1]);"
    "  spans.push(Number(process.hrtime.bigint() - start) / 200000);"
    "}"
    "console.log(spans.sort((a, b) => a - b)[10]);";

std::optional<double> NpmTime() {
  const std::string command = std::string("node -e '") + kNpmProgram + "' '" +
                              kTcString + "' 2>/dev/null";
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  char line[64] = "";
  const bool read = std::fgets(line, sizeof(line), pipe) != nullptr;
  const bool ended = pclose(pipe) == 0;
  double us = 0;
  if (!read || !ended || !absl::SimpleAtod(line, &us)) return std::nullopt;
  return us;
}

}  // namespace

std::string_view BenchTcString() { return kTcString; }

absl::StatusOr<TcDecodeTimes> MeasureTcDecode(uint64_t decodings) {
  TcDecodeTimes times;
  times.characters = BenchTcString().size();
  std::vector<double> spans;
  spans.reserve(decodings);
  const uint64_t warm_up = decodings / 10;
  for (uint64_t i = 0; i < warm_up + decodings; ++i) {
    const auto start = Clock::now();
    const auto tc = signals::DecodeTcf(BenchTcString());
    const std::chrono::duration<double, std::micro> span = Clock::now() - start;
    if (!tc.ok()) return tc.status();
    times.vendors =
        tc->vendor_consents.Count() + tc->vendor_legitimate_interests.Count() +
        (tc->disclosed_vendors ? tc->disclosed_vendors->Count() : 0);
    if (i >= warm_up) spans.push_back(span.count());
  }
  if (spans.empty()) return absl::InvalidArgumentError("nothing to measure");
  std::sort(spans.begin(), spans.end());
  const auto at = [&spans](double share) {
    return spans[std::min(
        spans.size() - 1,
        static_cast<size_t>(share * static_cast<double>(spans.size())))];
  };
  times.p50_us = at(0.50);
  times.p95_us = at(0.95);
  times.p99_us = at(0.99);
  times.decodings = decodings;
  times.npm_us = NpmTime();
  return times;
}

}  // namespace consentry::tools
