#include "app/app.h"

int main(int argc, char** argv) { return mlgate::app::run(argc, argv); }
