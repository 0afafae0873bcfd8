# cmake -DSOURCES=a;b;c -DCONSTANT=kName -DOUTPUT=header -P HashSources.cmake: a header with the SHA-256 of the
# sources.
set(hashes)
foreach(source IN LISTS SOURCES)
  file(SHA256 ${source} hash)
  string(APPEND hashes ${hash})
endforeach()
string(SHA256 all "${hashes}")
file(WRITE ${OUTPUT}
     "#pragma once\n\nnamespace lore {\ninline constexpr const char* ${CONSTANT} = \"${all}\";\n}\n")
