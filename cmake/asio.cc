// Asio is compiled once, here (BOOST_ASIO_SEPARATE_COMPILATION), and not into every file that includes it.
#include <boost/asio/impl/src.hpp>
