# Distribution packages first: torch's headers must not hide them.
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(Threads REQUIRED)
foreach(lib xxhash pcre2-8 utf8proc sqlite3 curl)
  find_library(VEER_LIB_${lib} ${lib} REQUIRED)
endforeach()
find_package(TorchWheel REQUIRED)
