# Puts a file's bytes into a target, as a function that returns them:
#   mlgate_embed(TARGET FILE FUNCTION HEADER): HEADER declares `std::string_view FUNCTION() noexcept`, FUNCTION
# with its namespace ("mlgate::ml::book_reviews_tsv"). Run as a script, it writes the source file.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${EMBED_FILE}" bytes HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" literal "${bytes}")
  # One line for each 24 bytes; adjacent literals are joined by the compiler.
  string(REPEAT "...." 24 line)
  string(REGEX REPLACE "(${line})" "\\1\"\n    \"" literal "${literal}")
  string(REGEX REPLACE "::[^:]*$" "" namespace "${EMBED_FUNCTION}")
  string(REGEX REPLACE "^.*::" "" name "${EMBED_FUNCTION}")
  file(WRITE "${EMBED_OUT}" "#include \"${EMBED_HEADER}\"\n\nnamespace ${namespace} {\n
std::string_view ${name}() noexcept {
  static constexpr char kBytes[] =\n    \"${literal}\";
  return {kBytes, sizeof kBytes - 1};\n}\n\n}  // namespace ${namespace}\n")
  return()
endif()

function(mlgate_embed target file function header)
  get_filename_component(name "${file}" NAME_WE)
  set(out "${CMAKE_BINARY_DIR}/embedded/${name}.cc")
  add_custom_command(
    OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} -DEMBED_FILE=${file} -DEMBED_OUT=${out} -DEMBED_FUNCTION=${function}
            -DEMBED_HEADER=${header} -P "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS "${file}" "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    COMMENT "Embedding ${name}")
  target_sources(${target} PRIVATE "${out}")
endfunction()

mlgate_embed(mlgate_ml "${CMAKE_SOURCE_DIR}/src/ml/samples/book_reviews.tsv"
             mlgate::ml::book_reviews_tsv ml/samples/samples.h)
