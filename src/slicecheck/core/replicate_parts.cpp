#include "slicecheck/core/replicate_parts.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/sealed.h"

namespace slicecheck {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr const char* kFormat = "slicecheck-replicates-1";
constexpr const char* kEarlier = "earlier.cbor";

/// Where a row was found.
struct Found {
  std::size_t position;
  std::size_t file;
};

struct Files {
  std::vector<fs::path> parts;      ///< part-RANK.cbor and earlier.cbor, by name
  std::vector<fs::path> leftovers;  ///< of writes that were interrupted
};

Files files_of(const fs::path& folder) {
  Files files;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  if (error) reject("cannot read the folder {}: {}", folder.string(), error.message());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with("part-") || name.starts_with(kEarlier);
    if (ours && name.ends_with(".partial"))
      files.leftovers.push_back(entry.path());
    else if (ours && name.ends_with(".cbor"))
      files.parts.push_back(entry.path());
  }
  std::sort(files.parts.begin(), files.parts.end());
  return files;
}

void remove_files(const std::vector<fs::path>& paths) {
  for (const auto& path : paths) {
    std::error_code error;
    fs::remove(path, error);
    if (error) reject("cannot remove {}: {}", path.string(), error.message());
  }
}

void save_rows(const PartsOfTable& table, const std::string& name, const DoneRows& rows) {
  write_atomically(table.folder / name, seal({{"format", kFormat},
                                              {"fingerprint", table.fingerprint},
                                              {"count", table.count},
                                              {"width", table.width},
                                              {"replicates", bytes_of(rows.replicates.data(), rows.replicates.size())},
                                              {"values", bytes_of(rows.values.data(), rows.values.size())}}));
}

DoneRows load_rows(const PartsOfTable& table, const fs::path& path) {
  const std::string contents = read_file(path);
  DoneRows rows;
  try {
    const Json json = unseal(contents);
    if (json.at("format") != kFormat) reject("{}: rows of an unknown format", path.string());
    if (json.at("fingerprint") != table.fingerprint || json.at("count") != table.count || json.at("width") != table.width)
      reject(
          "{}: the rows in this folder belong to a run with other settings, another seed or another version of the program; resume with those, or start anew "
          "without "
          "--resume",
          table.folder.string());
    rows.replicates = from_bytes<Index>(json.at("replicates"));
    rows.values = from_bytes<double>(json.at("values"));
    if (rows.values.size() != rows.replicates.size() * static_cast<std::size_t>(table.width)) throw std::invalid_argument("rows are cut");
    for (const Index i : rows.replicates)
      if (i < 0 || i >= table.count) throw std::invalid_argument(fmt::format("it has row {} of {}", i, table.count));
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {
    reject("{}: a damaged checkpoint ({}); remove it, or start anew without --resume", path.string(), error.what());
  }
  return rows;
}

}  // namespace

void save_part(const PartsOfTable& table, int rank, const DoneRows& rows) { save_rows(table, fmt::format("part-{}.cbor", rank), rows); }

DoneRows take_parts(const PartsOfTable& table) {
  const Files files = files_of(table.folder);
  const auto width = static_cast<std::size_t>(table.width);
  std::vector<DoneRows> loaded;
  std::map<Index, Found> found;
  for (std::size_t file = 0; file < files.parts.size(); ++file) {
    loaded.push_back(load_rows(table, files.parts[file]));
    for (std::size_t k = 0; k < loaded[file].replicates.size(); ++k) {
      const auto [at, fresh] = found.try_emplace(loaded[file].replicates[k], Found{k, file});
      const double* other = loaded[at->second.file].values.data() + at->second.position * width;
      if (!fresh && std::memcmp(loaded[file].values.data() + k * width, other, width * sizeof(double)) != 0)
        reject("{} and {} give row {} different values; remove them, or start anew without --resume", files.parts[at->second.file].string(),
               files.parts[file].string(), at->first);
    }
  }
  DoneRows all;
  for (const auto& [replicate, place] : found) {
    all.replicates.push_back(replicate);
    const auto begin = loaded[place.file].values.begin() + static_cast<std::ptrdiff_t>(place.position * width);
    all.values.insert(all.values.end(), begin, begin + table.width);
  }
  if (!files.parts.empty()) save_rows(table, kEarlier, all);
  // A kill between the two leaves rows twice, with the same bits.
  std::vector<fs::path> merged = files.leftovers;
  std::copy_if(files.parts.begin(), files.parts.end(), std::back_inserter(merged), [](const fs::path& path) { return path.filename() != kEarlier; });
  remove_files(merged);
  return all;
}

void remove_parts(const PartsOfTable& table) {
  const Files files = files_of(table.folder);
  remove_files(files.parts);
  remove_files(files.leftovers);
}

}  // namespace slicecheck
