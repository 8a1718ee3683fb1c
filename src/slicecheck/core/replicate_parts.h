#pragma once
/// Checkpoints of replicates: the rows that were done, in files of one folder. A file of the present run for each rank, and one for all earlier runs.

#include <filesystem>
#include <string>
#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// Some rows of a count×width table.
struct DoneRows {
  std::vector<Index> replicates;  ///< numbers of the rows, in any order
  std::vector<double> values;     ///< width numbers for each of them, in the same order
};

/// What a table's files have in common: files of another table are refused.
struct PartsOfTable {
  std::filesystem::path folder;
  std::string fingerprint;
  Index count;
  Index width;
};

/// Writes part-RANK.cbor, atomically. @throws InputError where it cannot be written.
void save_part(const PartsOfTable& table, int rank, const DoneRows& rows);

/// The union of all files of the folder, whatever number of ranks wrote them, in the order of the rows; then makes them one file, earlier.cbor, so that no rank
/// of the present run overwrites a row that is not its own. One rank calls this, while no other writes. Nothing where there is no folder.
/// @throws InputError for a damaged file, one of another fingerprint or shape, and two that give one row different bits.
DoneRows take_parts(const PartsOfTable& table);

/// Removes all files of the table. @throws InputError where that fails.
void remove_parts(const PartsOfTable& table);

}  // namespace slicecheck
