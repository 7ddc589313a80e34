#pragma once
// The schema of the document store.
#include "store/sqlite_connection.h"

namespace mlgate::store {

// Creates the tables, or brings those of an older program up to date; refuses those of a newer one.
Result<void> migrate(Connection& connection);

}  // namespace mlgate::store
