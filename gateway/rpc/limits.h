#ifndef CONSENTRY_GATEWAY_RPC_LIMITS_H_
#define CONSENTRY_GATEWAY_RPC_LIMITS_H_

#include <cstddef>
#include <cstdint>

// What one call may ask for. Beyond a bound it is refused whole, with
// TOO_LARGE or FIELD_INVALID; nothing is ever cut.
namespace consentry::rpc {

// gRPC's own default. Holds 256 rows of an import with 16 KiB each; the answer
// of a full batch stays below it for all but the largest records.
inline constexpr int kMaxMessageBytes = 4 << 20;
// Headers of one call. A client certificate is not among them; ours are the
// method, a trace id and the privacy signal.
inline constexpr int kMaxMetadataBytes = 8 << 10;

// One entry of the audit log covers a batch: 256 tags and effects keep it
// below 64 KiB.
inline constexpr int kMaxBatch = 256;
inline constexpr int kMaxExposureSubjects = kMaxBatch;
// A stream holds its subjects in memory until it ends: some 250 bytes each, 25
// MiB for 100,000. So two full streams of one caller, and 125 MiB together.
inline constexpr int kMaxStreamSubjects = 100'000;
inline constexpr size_t kMaxStreamedOfOne = 200'000;
inline constexpr size_t kMaxStreamed = 500'000;

// policy::kMaxFieldsPerRequest: decisions are arrays of this size.
inline constexpr int kMaxFields = 64;
inline constexpr int kMaxFilters = 8;
// "kind.field", two keys of at most 32 characters.
inline constexpr size_t kMaxFieldNameBytes = 65;

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;
// Reviews of one customer: their words are opened one by one.
inline constexpr int kMaxCustomerPage = 200;
// Selected subjects are decided one by one: a page is a batch.
inline constexpr int kMaxSelectPageSize = kMaxBatch;
inline constexpr size_t kMaxPageTokenBytes = 8 << 10;

// A value of a field, as sealed: no catalogued type needs more than a long
// note, and 64 of them stay below a megabyte.
inline constexpr size_t kMaxValueBytes = 16 << 10;
inline constexpr int kMaxValuesPerRecord = 64;
// RFC 3696: the longest e-mail address is 320 bytes.
inline constexpr size_t kMaxIdentifierBytes = 320;
inline constexpr size_t kMaxNamespaceBytes = 64;
inline constexpr int kMaxIdentifiersPerWrite = 8;
inline constexpr size_t kMaxSourceKeyBytes = 128;
inline constexpr size_t kMaxKeyBytes = 64;  // Purposes, kinds, sources.
inline constexpr size_t kMaxContextBytes = 64;
inline constexpr int kMaxChoicesPerRow = 32;
inline constexpr int kMaxConsentPurposes = 16;
inline constexpr int kMaxWatchedPurposes = 64;
inline constexpr int kMaxOptOuts = 7;
inline constexpr int kMaxNoticePurposes = 64;
inline constexpr size_t kMaxNoticeTextBytes = 64 << 10;
inline constexpr size_t kMaxMethodBytes = 64;
inline constexpr size_t kMaxLanguageBytes = 35;  // RFC 5646, 4.4.1.
inline constexpr size_t kMaxEvidenceBytes = 128;
inline constexpr size_t kMaxLabelBytes = 128;
inline constexpr size_t kMaxNoteBytes = 500;
inline constexpr size_t kMaxIssuerBytes = 512;  // An https URL.
inline constexpr size_t kMaxTokenBytes = 128;   // dec_, aud_, psn_, cst_.
inline constexpr size_t kMaxPemBytes = 16 << 10;
inline constexpr uint32_t kMaxCertificateDays = 825;

// Beyond this a C++ client with default settings loses the real code of an
// error: the details ride in a header of at most 8 KiB, in base64.
inline constexpr size_t kMaxErrorDetailBytes = 4 << 10;
inline constexpr size_t kMaxErrorMessageBytes = 1 << 10;

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_LIMITS_H_
