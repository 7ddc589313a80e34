#include "blob/digest.h"

#include "base/crypto.h"
#include "base/text.h"

#include <gtest/gtest.h>

namespace mlgate::blob {
namespace {

TEST(Crc64, HasTheCheckValueOfItsCatalogueEntry) {
  EXPECT_EQ(crc64(0, "123456789"), 0xAE8B14860A799888ULL);
  EXPECT_EQ(crc64(0, ""), 0U);
  EXPECT_EQ(crc64_text(crc64(0, "")), "AAAAAAAAAAA=");
}

TEST(Crc64, IsTheSameWithAndWithoutSpecialInstructionsAndInPieces) {
  const std::string bytes = random_bytes(5'000);
  for (const std::size_t size : {0U, 1U, 7U, 8U, 127U, 255U, 256U, 257U, 511U, 1'000U, 1'023U,
                                 1'024U, 1'537U, 3'000U, 4'999U}) {
    const std::string_view part = std::string_view(bytes).substr(1, size);
    EXPECT_EQ(crc64(0, part), crc64_portable(0, part)) << size;
    EXPECT_EQ(crc64(crc64(0, part.substr(0, size / 3)), part.substr(size / 3)), crc64(0, part));
  }
}

TEST(Md5, HasTheValueOfItsStandard) {
  Md5 md5;
  md5.update("a");
  md5.update("bc");
  EXPECT_EQ(to_hex(md5.finish()), "900150983cd24fb0d6963f7d28e17f72");
}

}  // namespace
}  // namespace mlgate::blob
