#!/usr/bin/env python3
"""Writes a C++ source that holds the files of a folder: embed_web.py FOLDER OUT. The bytes themselves are taken in by
the assembler; the source names a digest of each file, so that it is compiled again when one changes."""

import hashlib
import sys
from pathlib import Path

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
         ".json": "application/json", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    files = sorted(path for path in folder.rglob("*") if path.suffix in TYPES)
    blobs, rows = [], []

    def blob(path):
        """The name of a file's bytes; of none when there is no such file."""
        if not path.is_file():
            return "{}"
        name = f"web_file_{len(blobs)}"
        blobs.append((name, path, hashlib.sha256(path.read_bytes()).hexdigest()[:32]))
        return f"view({name}, {name}_end)"

    for path in files:
        etag = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        rows.append(f'    Asset{{"{path.relative_to(folder).as_posix()}", "{TYPES[path.suffix]}", "\\"{etag}\\"",\n'
                    f'          {blob(path)}, {blob(path.with_name(path.name + ".gz"))},\n'
                    f'          {blob(path.with_name(path.name + ".br"))}}},\n')
    text = '#include "portal/assets.h"\n\n#include <array>\n\n'
    for name, path, digest in blobs:
        text += (f'// {digest}\nasm(".section .rodata\\n.global {name}\\n.global {name}_end\\n'
                 f'{name}:\\n.incbin \\"{path}\\"\\n{name}_end:\\n.previous");\n'
                 f'extern "C" const char {name}[], {name}_end[];\n')
    text += ("\nnamespace mlgate::portal {\nnamespace {\n\n"
             "std::string_view view(const char* begin, const char* end) {\n"
             "  return {begin, static_cast<std::size_t>(end - begin)};\n}\n\n}  // namespace\n\n"
             "std::span<const Asset> embedded_assets() noexcept {\n"
             f"  static const std::array<Asset, {len(rows)}> all{{\n" + "".join(rows) + "  };\n  return all;\n}\n\n"
             "}  // namespace mlgate::portal\n")
    if not out.exists() or out.read_text() != text:
        out.write_text(text)


main()
