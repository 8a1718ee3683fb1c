# Run at build time: writes OUTPUT with one hash over FILES (separated by '|', relative to SOURCE_DIR).

string(REPLACE "|" ";" files "${FILES}")
list(SORT files)
set(all "")
foreach(file IN LISTS files)
  file(SHA256 "${SOURCE_DIR}/${file}" hash)
  string(APPEND all "${file}=${hash}\n")
endforeach()
string(SHA256 all "${all}")
file(WRITE "${OUTPUT}" "#pragma once\n#define SLICECHECK_KERNEL_SOURCES_HASH \"${all}\"\n")
