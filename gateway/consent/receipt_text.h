#ifndef CONSENTRY_GATEWAY_CONSENT_RECEIPT_TEXT_H_
#define CONSENTRY_GATEWAY_CONSENT_RECEIPT_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/log/note.h"
#include "consentry/v1/consent_receipt.pb.h"
#include "consentry/v1/consent_service.pb.h"

// How a receipt is written down, signed and read again, by anybody who holds
// the public key of the audit log. Pure; safe for many threads.
//
//   file := "consentry consent receipt v1\n" json "\n" signature line
//
// A file is a C2SP signed note. Its first line keeps a signature from standing
// for a checkpoint of the log, which is signed by the same key.
namespace consentry::consent {

inline constexpr char kReceiptHeader[] = "consentry consent receipt v1\n";

// The JSON text of a record; ends with a newline.
absl::StatusOr<std::string> WriteReceipt(const v1::ReceiptRecord& record);

// What the signature is over.
std::string SignedText(std::string_view json);

// The file that a customer keeps. InvalidArgument when the answer is not one
// that a gateway gives.
absl::StatusOr<std::string> FormatReceiptFile(const v1::ConsentReceipt& receipt,
                                              const audit::NoteVerifier& key);

// The record in a file. DataLoss when the key did not sign it or anything was
// changed since; InvalidArgument when it is no receipt, or lacks what a receipt
// must hold.
absl::StatusOr<v1::ReceiptRecord> ReadReceiptFile(
    std::string_view bytes, const audit::NoteVerifier& key);

// Names of mandatory fields of ISO/IEC TS 27560:2023 that the record lacks:
// "pii_processing[0].language".
std::vector<std::string> MissingFields(const v1::ReceiptRecord& record);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_RECEIPT_TEXT_H_
