/* Exits at start, before it has read or said anything. The argument is the exit status. */
#include <stdlib.h>

int main(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}
