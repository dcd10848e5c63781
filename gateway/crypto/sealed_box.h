#ifndef CONSENTRY_GATEWAY_CRYPTO_SEALED_BOX_H_
#define CONSENTRY_GATEWAY_CRYPTO_SEALED_BOX_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// The one seal under Sealer, Opener and SystemSeal, for .cc files of
// gateway/crypto alone: no other folder includes this header.

// Canonical encoding of subject and context:
//
//   version:u8 subject:u64 table:u32 row:16 schema:u32 row_generation:u32
//   field_bytes:u8 field
//
// Everything before the field has a fixed length and the field's length is
// told, so no two contexts have the same encoding.
class AssociatedData {
 public:
  // InvalidArgument for a field name that is too long or a table outside of
  // [first, last].
  template <class Table>
  static absl::StatusOr<AssociatedData> Make(uint64_t subject,
                                             const Context<Table>& context,
                                             Table first, Table last) {
    if (context.table < first || context.table > last) {
      return absl::InvalidArgumentError("no such table");
    }
    if (context.field.size() > kMaxFieldBytes) {
      return absl::InvalidArgumentError("the name of a field is too long");
    }
    AssociatedData made;
    made.Fill(subject, static_cast<uint32_t>(context.table), context.row,
              context.schema, context.row_generation, context.field);
    return made;
  }

  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kMaxFieldBytes = 255;
  static constexpr size_t kFixedBytes = 1 + 8 + 4 + 16 + 4 + 4 + 1;

  AssociatedData() = default;
  void Fill(uint64_t subject, uint32_t table, const RowId& row, uint32_t schema,
            uint32_t row_generation, std::string_view field);

  // Left unset beyond size_.
  std::array<uint8_t, kFixedBytes + kMaxFieldBytes> bytes_;
  size_t size_ = 0;
};

absl::StatusOr<std::string> SealBox(KeyView key, uint32_t generation,
                                    const AssociatedData& associated_data,
                                    std::string_view plaintext);

// `sealed` must name the generation that `key` is of.
absl::StatusOr<Plaintext> OpenBox(KeyView key,
                                  const AssociatedData& associated_data,
                                  std::string_view sealed);

// The ranges of seal_context.h.
inline absl::StatusOr<AssociatedData> EncodeContext(uint64_t subject,
                                                    const FactContext& c) {
  return AssociatedData::Make(subject, c, FactTable{1}, FactTable{255});
}
inline absl::StatusOr<AssociatedData> EncodeContext(uint64_t subject,
                                                    const FieldContext& c) {
  return AssociatedData::Make(subject, c, FieldTable{256}, FieldTable{65535});
}
inline absl::StatusOr<AssociatedData> EncodeContext(const SystemContext& c) {
  return AssociatedData::Make(0, c, SystemTable{65536}, SystemTable{131071});
}

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SEALED_BOX_H_
