# Run at build time: writes OUTPUT with the version and the fingerprint of FILES (separated by '|', relative to SOURCE_DIR).

string(REPLACE "|" ";" files "${FILES}")
list(SORT files)
set(all "")
foreach(file IN LISTS files)
  file(SHA256 "${SOURCE_DIR}/${file}" hash)
  string(APPEND all "${file}=${hash}\n")
endforeach()
string(SHA256 fingerprint "${all}")
string(SUBSTRING "${fingerprint}" 0 16 fingerprint)

if(NATIVE)
  set(flags "-march=native")
else()
  set(flags "portable")
endif()
if(SANITIZE)
  string(APPEND flags " -fsanitize=${SANITIZE}")
endif()

file(WRITE "${OUTPUT}"
"#pragma once
#define SLICECHECK_VERSION \"${VERSION}\"
#define SLICECHECK_FINGERPRINT \"${fingerprint}\"
#define SLICECHECK_BUILD_TYPE \"${BUILD_TYPE}\"
#define SLICECHECK_BUILD_FLAGS \"${flags}\"
#define SLICECHECK_COMPILER \"${COMPILER}\"
")
