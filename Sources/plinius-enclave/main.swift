import Glibc
import PliniusEnclave

exit(Enclave.main())
