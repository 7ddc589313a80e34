#pragma once
// Texts of numbers where a dialect fixes them.
#include <string>

namespace mlgate {

// .NET "G15": up to 15 significant digits, invariant point, no trailing zeros; exponent form when
// the decimal exponent is below -4 or at least 15 ("1.23E-05", "1E+15", at least two exponent
// digits); "-0" is "0"; "NaN", "Infinity", "-Infinity". See specs: RRS and BES print doubles like
// this.
void append_dotnet_double(std::string& out, double value, int significant_digits = 15);
// Shortest text that reads back exactly; NaN and infinities as above.
void append_shortest_double(std::string& out, double value);

}  // namespace mlgate
