#pragma once
// Moves content between files and a socket that is on loan (http::Loan). Without waiting for the
// peer, but a disk may be waited for: for the threads of a pool. A call moves so much at once that
// changing threads costs little, and so little that others have their turn.
#include "base/result.h"
#include "blob/digest.h"
#include "blob/range.h"
#include "blob/storage.h"
#include "http/server_call.h"

#include <cstddef>
#include <optional>
#include <span>

namespace mlgate::blob {

inline constexpr std::uint64_t kTurnBytes = std::uint64_t{4} << 20;

// From the files of a blob, without copying. nullopt when their file system cannot do it.
Result<std::optional<http::Moved>> send_content(const BlobReader& reader, Span span, int socket);

// From the socket to the end of the content, by way of `buffer`; also into the digest, if any.
// `moved` says what was taken from the socket also when the content could not take it.
Result<void> receive_content(const http::Loan& from, Content& content, Md5* md5,
                             std::span<char> buffer, http::Moved& moved);

}  // namespace mlgate::blob
