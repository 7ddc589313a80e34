# Builds the pages from web/ and puts their files into the module that serves them.
file(GLOB_RECURSE mlgate_web_files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/web/src/*"
     "${CMAKE_SOURCE_DIR}/web/public/*")
file(GLOB mlgate_web_more CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/web/*.json" "${CMAKE_SOURCE_DIR}/web/*.ts"
     "${CMAKE_SOURCE_DIR}/web/*.mjs" "${CMAKE_SOURCE_DIR}/web/*.html" "${CMAKE_SOURCE_DIR}/web/.npmrc")
add_custom_command(
  OUTPUT "${CMAKE_BINARY_DIR}/web/assets.cc"
  COMMAND "${CMAKE_SOURCE_DIR}/tools/web" embed "${CMAKE_BINARY_DIR}/web"
  COMMAND ${CMAKE_COMMAND} -E touch "${CMAKE_BINARY_DIR}/web/assets.cc"
  DEPENDS ${mlgate_web_files} ${mlgate_web_more} "${CMAKE_SOURCE_DIR}/tools/web"
          "${CMAKE_SOURCE_DIR}/tools/embed_web.py"
  COMMENT "Building the pages"
  USES_TERMINAL)
target_sources(mlgate_portal PRIVATE "${CMAKE_BINARY_DIR}/web/assets.cc")
