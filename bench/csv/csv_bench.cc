// Our side of bench/csv: reads the file named by the argument, then obeys lines on its input and
// answers each with one line.
//   read     the file to typed columns; answers the CPU time in nanoseconds
//   tokens   cuts the file into records and fields and converts nothing; answers the CPU time
//   check    rows, sums of the number columns and bytes of the text columns
#include "table/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <iostream>
#include <numeric>
#include <sstream>
#include <string>

namespace {

using namespace mlgate::table;

std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// The file's bytes, as they are asked for.
class File {
 public:
  explicit File(const char* path) : fd_(::open(path, O_RDONLY | O_CLOEXEC)) {}
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  mlgate::Result<std::size_t> read(std::span<char> room) const {
    const ssize_t size = ::read(fd_, room.data(), room.size());
    if (size < 0) return mlgate::fail(mlgate::Errc::internal, "the file cannot be read");
    return std::size_t(size);
  }
  std::size_t size() const {
    struct stat facts{};
    return ::fstat(fd_, &facts) == 0 ? std::size_t(facts.st_size) : 0;
  }

 private:
  int fd_;
};

Table read(const char* path) {
  CsvReadOptions options;
  options.schema = {{"id", DataType::int64, {}},     {"user", DataType::int32, {}},
                    {"price", DataType::real, {}},   {"score", DataType::real, {}},
                    {"title", DataType::string, {}}, {"review", DataType::string, {}}};
  const File file(path);
  const auto source = [&file](std::span<char> room) { return file.read(room); };
  auto table = read_csv(source, file.size(), std::move(options));
  if (!table) {
    std::cerr << table.error().message() << '\n';
    std::exit(1);
  }
  return *std::move(table);
}

std::size_t count_fields(const char* path) {
  const File file(path);
  CsvRecords records({}, {});
  std::size_t fields = 0;
  for (bool more = true; more;) {
    const auto size = file.read(records.prepare(kCsvSliceBytes));
    more = size && *size > 0;
    if (more) {
      records.commit(*size);
    } else {
      records.finish();
    }
    for (auto found = records.next(512); found && *found > 0; found = records.next(512))
      fields += records.fields().size();
  }
  return fields;
}

std::string check(const char* path) {
  const Table table = read(path);
  std::ostringstream line;
  line.precision(17);
  line << table.rows;
  for (const auto& column : table.columns) {
    line << ' ';
    std::visit(
        [&]<class V>(const V& values) {
          if constexpr (std::is_same_v<V, Texts>) {
            line << values.bytes();
          } else {
            line << std::accumulate(values.begin(), values.end(), 0.0,
                                    [](double sum, auto value) { return sum + double(value); });
          }
        },
        column->values);
  }
  return line.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (std::string command; std::getline(std::cin, command);) {
    if (command == "check") {
      std::cout << check(argv[1]) << std::endl;
      continue;
    }
    const std::int64_t start = cpu_ns();
    if (command == "read") {
      // Giving the memory back is not measured on any side.
      const Table table = read(argv[1]);
      std::cout << cpu_ns() - start << std::endl;
    } else {
      const std::size_t fields = count_fields(argv[1]);
      std::cout << (fields > 0 ? cpu_ns() - start : -1) << std::endl;
    }
  }
  return 0;
}
