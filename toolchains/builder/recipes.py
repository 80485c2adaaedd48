# SPDX-License-Identifier: Apache-2.0
"""How each dependency is built: the smallest set of features that the agent uses, static, sections kept apart.

The text of a group's recipes, toolchains/mbedtls_config.h and the target's toolchain file are part of the key of what is built.
"""
import inspect
import shutil

from .common import TOOLCHAINS, Failure, jobs, run

# "base" and "decoders" are what the agent links. "archive" is built on request for the software utilities.
GROUPS = {"base": ["mbedtls", "curl", "json", "doctest"], "decoders": ["zlib", "lzma", "zstd"], "archive": ["zlib", "lzma", "zstd", "archive"]}
LINKED = ("base", "decoders")
ONLY_TESTS = {"doctest"}  # in no binary that ships

C_FLAGS = "-ffunction-sections -fdata-sections -fvisibility=hidden -fstack-protector-strong -DNDEBUG"

CURL_OFF = """ALTSVC AWS BEARER_AUTH BINDLOCAL CA_SEARCH COOKIES DICT DIGEST_AUTH DOH FILE FORM_API GETOPTIONS GOPHER HEADERS_API HSTS IMAP
IPFS KERBEROS_AUTH LDAP LDAPS LIBCURL_OPTION MIME MQTT NEGOTIATE_AUTH NTLM PARSEDATE POP3 PROGRESS_METER RTSP SHA512_256
SHUFFLE_DNS SMB SMTP SRP TELNET TFTP VERBOSE_STRINGS WEBSOCKETS"""

LZMA_DICTIONARY_BYTES = 1 << 20  # limits::k_chunk_most_bytes
CURL_PIECE_BYTES = 64 << 10  # handed to the write function at a time: what one recv brings, so that it need not be copied together


def on(*names):
    return [f"-D{name}=ON" for name in names]


def off(*names):
    return [f"-D{name}=OFF" for name in names]


def cmake_project(work, target, name, source, options, prefix, libraries):
    """Configures, builds and installs one CMake project into prefix/NAME, and sees that the libraries are there."""
    build = work / "build" / name
    log = work / f"{name}.log"
    env = {"CFLAGS": f"{C_FLAGS} -ffile-prefix-map={work}=."}
    run(["cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAINS}/{target}.cmake",
         "-DCMAKE_BUILD_TYPE=MinSizeRel", f"-DCMAKE_INSTALL_PREFIX={prefix}/{name}", "-DCMAKE_INSTALL_LIBDIR=lib",
         "-DBUILD_SHARED_LIBS=OFF", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON", *options], log=log, env=env)
    run(["cmake", "--build", build, "-j", jobs()], log=log, env=env)
    run(["cmake", "--install", build], log=log, env=env)
    for extra in ("bin", "share", "lib/cmake", "lib/pkgconfig"):
        shutil.rmtree(prefix / name / extra, ignore_errors=True)
    for library in libraries:
        if not (prefix / name / "lib" / library).is_file():
            raise Failure(f"{name} was built but {library} was not installed; the output is in {log}.")


def edit(path, old, new):
    """Replaces the one place in a source file that holds `old`; another version of the library must be looked at first."""
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise Failure(f"{path.name} does not hold the text that is mended here: see toolchains/builder/recipes.py.")
    path.write_text(text.replace(old, new), encoding="utf-8")


def mbedtls(work, target, source, prefix):
    # 3.6.6 offers RSA-PSS and then refuses a TLS 1.2 server that uses it, which is what most servers with an RSA certificate do.
    # Upstream mended it after that release (Mbed-TLS pull request 10674); this restores what 3.6.5 did.
    edit(source / "library" / "ssl_tls12_client.c", "if (!mbedtls_ssl_sig_alg_is_supported(ssl, sig_alg)) {",
         "if (*pk_alg != MBEDTLS_PK_RSASSA_PSS && !mbedtls_ssl_sig_alg_is_supported(ssl, sig_alg)) {")
    # SHA-1 itself is not built, but a root that signed itself with it is still one: nobody checks that signature, it only has to be
    # read (many of the public roots are of that kind). What a root signs must be SHA-256 or better, as before.
    edit(source / "library" / "oid.c", "#if defined(MBEDTLS_MD_CAN_SHA1)\n    {\n        OID_DESCRIPTOR(MBEDTLS_OID_PKCS1_SHA1, ",
         "#if 1\n    {\n        OID_DESCRIPTOR(MBEDTLS_OID_PKCS1_SHA1, ")
    # Every byte of an encrypted transfer goes through these: speed before size. (The musl target's -Oz is the compiler's own.)
    with open(source / "library" / "CMakeLists.txt", "a", encoding="utf-8") as lists:
        lists.write(f"""set_source_files_properties(aes.c aesni.c gcm.c chacha20.c poly1305.c PROPERTIES
            COMPILE_FLAGS "{'-Xclang -O2' if target == 'linux-i686-musl' else '-O2'}")\n""")
    shutil.copyfile(TOOLCHAINS / "mbedtls_config.h", source / "include" / "mbedtls" / "mbedtls_config.h")
    cmake_project(work, target, "mbedtls", source, off(
        "ENABLE_PROGRAMS", "ENABLE_TESTING", "GEN_FILES", "MBEDTLS_FATAL_WARNINGS", "USE_SHARED_MBEDTLS_LIBRARY"), prefix,
        ["libmbedtls.a", "libmbedx509.a", "libmbedcrypto.a"])


def curl(work, target, source, prefix):
    tls = prefix / "mbedtls"
    # What nobody here asks for and no switch of the library leaves out: names with wildcards, the server calling back for the data,
    # texts about certificates.
    for call in ("wc_statemach(data, ftpc, ftp)", "ftp_state_use_port(data, ftpc, EPRT)", "ftp_state_use_port(data, ftpc, fcmd)"):
        edit(source / "lib" / "ftp.c", f"result = {call};", "result = CURLE_NOT_BUILT_IN;")
    edit(source / "lib" / "vtls" / "mbedtls.c", "      mbed_extract_certinfo(data, crt);", "      return 1;")
    # An FTP data connection that ends without close_notify, as those of many servers do, is no failure of its own: the reply on the control
    # connection is read all the same, and agent/transfer/ftp_end.cpp judges by size and digest whether that was all.
    edit(source / "lib" / "vtls" / "mbedtls.c", "    default: {\n      char errorbuf[128];\n      mbedtls_strerror(ret, errorbuf, sizeof(errorbuf));\n      failf(data, \"ssl_read",
         """    case 0:  /* mbedTLS's end of the connection without close_notify */
    case MBEDTLS_ERR_SSL_CONN_EOF:
      if(cf->sockindex == SECONDARYSOCKET) {
        failf(data, "no close_notify");
        cf->shutdown = TRUE;
        *curlcode = CURLE_OK;
        ret = 0;
        break;
      }
      FALLTHROUGH();
    default: {\n      char errorbuf[128];\n      mbedtls_strerror(ret, errorbuf, sizeof(errorbuf));\n      failf(data, \"ssl_read""")
    # A user in the address gets the password of that user in a netrc file, wherever it stands in the entry, and no other one: 8.14.1 sends
    # what the last entry of the host has.
    netrc = source / "lib" / "netrc.c"
    edit(netrc, "          if(!specific_login || our_login)\n            found |= FOUND_PASSWORD;", "          found |= FOUND_PASSWORD;")
    edit(netrc, "          if(found & FOUND_PASSWORD) {", "          if((found & FOUND_PASSWORD) && (!specific_login || our_login)) {")
    edit(netrc, "    else if(!login && !password)", "    else if((!login && !password) || (specific_login && !our_login))")
    # What the server said last: the kind of its record (21: an alert, with its number), and the version that it chose.
    edit(source / "lib" / "vtls" / "mbedtls.c", """    failf(data, "ssl_handshake returned: (-0x%04X) %s",
          -ret, errorbuf);""", """    failf(data, "ssl_handshake -0x%04X record %d alert %d version %02X%02X", -ret,
          backend->ssl.MBEDTLS_PRIVATE(in_msgtype), backend->ssl.MBEDTLS_PRIVATE(in_msg)[1],
          backend->ssl.MBEDTLS_PRIVATE(in_msg)[4], backend->ssl.MBEDTLS_PRIVATE(in_msg)[5]);""")
    # FTP's unused converter of line ends counts as decoding, and what is decoded is handed on in small pieces.
    edit(source / "lib" / "cw-pause.c", "#define CW_PAUSE_DEC_WRITE_CHUNK   (4096)", f"#define CW_PAUSE_DEC_WRITE_CHUNK   ({CURL_PIECE_BYTES})")
    cmake_project(work, target, "curl", source, [
        *on("BUILD_STATIC_LIBS", "CURL_USE_MBEDTLS", "ENABLE_IPV6", "ENABLE_THREADED_RESOLVER"),
        *[f"-DCURL_DISABLE_{name}=ON" for name in CURL_OFF.split()],
        *off("BUILD_CURL_EXE", "BUILD_EXAMPLES", "BUILD_LIBCURL_DOCS", "BUILD_MISC_DOCS", "BUILD_TESTING", "CURL_BROTLI",
             "CURL_USE_GSASL", "CURL_USE_GSSAPI", "CURL_USE_LIBPSL", "CURL_USE_LIBSSH",
             "CURL_USE_LIBSSH2", "CURL_USE_OPENSSL", "CURL_USE_PKGCONFIG", "CURL_USE_SCHANNEL", "CURL_WINDOWS_SSPI",
             "CURL_ZLIB", "CURL_ZSTD", "ENABLE_CURL_MANUAL", "ENABLE_UNICODE", "ENABLE_UNIX_SOCKETS", "PICKY_COMPILER",
             "USE_LIBIDN2", "USE_LIBRTMP", "USE_NGHTTP2", "USE_WIN32_IDN", "USE_WIN32_LDAP"),
        f"-DCMAKE_C_FLAGS_MINSIZEREL=-Os -DNDEBUG -DCURL_MAX_WRITE_SIZE={CURL_PIECE_BYTES}",
        "-DHAVE_FNMATCH=0",  # names with wildcards are not asked for; the C library's own matching would bring its table of letters
        "-DCURL_CA_BUNDLE=none", "-DCURL_CA_PATH=none", "-DCURL_TARGET_WINDOWS_VERSION=0x0601",
        f"-DMBEDTLS_INCLUDE_DIR={tls}/include", f"-DMBEDTLS_LIBRARY={tls}/lib/libmbedtls.a",
        f"-DMBEDX509_LIBRARY={tls}/lib/libmbedx509.a", f"-DMBEDCRYPTO_LIBRARY={tls}/lib/libmbedcrypto.a"], prefix, ["libcurl.a"])


def json(work, target, source, prefix):
    shutil.copytree(source / "single_include", prefix / "json" / "include")


def doctest(work, target, source, prefix):
    (prefix / "doctest" / "include" / "doctest").mkdir(parents=True)
    shutil.copy(source / "doctest" / "doctest.h", prefix / "doctest" / "include" / "doctest")


def zlib(work, target, source, prefix):
    build = work / "build" / "zlib"
    log = work / "zlib.log"
    (source / "win32").mkdir(exist_ok=True)
    (source / "win32" / "zlib1.rc").touch()  # left out of the source package, named by the project, used for DLLs only
    env = {"CFLAGS": f"{C_FLAGS} -ffile-prefix-map={work}=."}
    run(["cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAINS}/{target}.cmake",
         "-DCMAKE_BUILD_TYPE=MinSizeRel", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON"], log=log, env=env)
    run(["cmake", "--build", build, "-j", jobs(), "--target", "zlibstatic"], log=log, env=env)
    for folder in ("include", "lib"):
        (prefix / "zlib" / folder).mkdir(parents=True)
    shutil.copy(source / "zlib.h", prefix / "zlib" / "include")
    shutil.copy(build / "zconf.h", prefix / "zlib" / "include")
    shutil.copy(next(build.glob("lib*.a")), prefix / "zlib" / "lib" / "libz.a")


def lzma(work, target, source, prefix):
    cmake_project(work, target, "lzma", source, [
        *off("XZ_ASM_I386", "XZ_NLS", "XZ_DOC", "XZ_DOXYGEN", "XZ_TOOL_XZ", "XZ_TOOL_XZDEC", "XZ_TOOL_LZMADEC",
             "XZ_TOOL_LZMAINFO", "XZ_TOOL_SCRIPTS", "XZ_MICROLZMA_ENCODER", "XZ_MICROLZMA_DECODER", "XZ_LZIP_DECODER", "BUILD_TESTING"),
        "-DXZ_THREADS=no", "-DXZ_CHECKS=crc32;crc64;sha256"], prefix, ["liblzma.a"])


def zstd(work, target, source, prefix):
    cmake_project(work, target, "zstd", source / "build" / "cmake", [
        *on("ZSTD_BUILD_STATIC"),
        *off("ZSTD_BUILD_SHARED", "ZSTD_BUILD_PROGRAMS", "ZSTD_BUILD_TESTS", "ZSTD_BUILD_CONTRIB", "ZSTD_BUILD_DICTBUILDER",
             "ZSTD_LEGACY_SUPPORT", "ZSTD_MULTITHREAD_SUPPORT")], prefix, ["libzstd.a"])


def archive(work, target, source, prefix):
    found = []
    for name, variable, library in (("zlib", "ZLIB", "libz.a"), ("lzma", "LIBLZMA", "liblzma.a"), ("zstd", "ZSTD", "libzstd.a")):
        found += [f"-D{variable}_INCLUDE_DIR={prefix}/{name}/include", f"-D{variable}_LIBRARY={prefix}/{name}/lib/{library}"]
    cmake_project(work, target, "archive", source, [
        *on("ENABLE_ZLIB", "ENABLE_LZMA", "ENABLE_ZSTD"), *found, "-DPKG_CONFIG_EXECUTABLE=false",
        *off("ENABLE_ACL", "ENABLE_BZip2", "ENABLE_CAT", "ENABLE_CNG", "ENABLE_CPIO", "ENABLE_EXPAT", "ENABLE_ICONV",
             "ENABLE_INSTALL_DOCS", "ENABLE_LIBB2", "ENABLE_LIBXML2", "ENABLE_LZ4", "ENABLE_LZO", "ENABLE_MBEDTLS",
             "ENABLE_NETTLE", "ENABLE_OPENSSL", "ENABLE_PCREPOSIX", "ENABLE_PCRE2POSIX", "ENABLE_TAR", "ENABLE_TEST",
             "ENABLE_UNZIP", "ENABLE_WERROR", "ENABLE_XATTR")], prefix, ["libarchive.a"])


def optimised(target, level):
    """The flag for a level of optimisation in place of that of the build; zig's driver turns the build's own into others."""
    return f"-Xclang {level}" if target == "linux-i686-musl" else level


def c_library(work, target, source, library, files, flags, own):
    """Builds a static library out of the named C files of a source tree, those in `own` with more flags, and says where it lies."""
    lists = work / "build" / library
    lists.mkdir(parents=True)
    log = work / f"{library}.log"
    (lists / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.25)\nproject({library} LANGUAGES C)\n"
        f"add_library({library} STATIC {' '.join(str(source / name) for name in files)})\n"
        f"target_compile_options({library} PRIVATE {' '.join(flags)})\n"
        + "".join(f'set_source_files_properties({source / name} PROPERTIES COMPILE_FLAGS "{text}")\n' for name, text in own.items()))
    env = {"CFLAGS": f"{C_FLAGS} -ffile-prefix-map={work}=."}
    run(["cmake", "-S", lists, "-B", lists / "out", "-G", "Ninja", f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAINS}/{target}.cmake",
         "-DCMAKE_BUILD_TYPE=MinSizeRel", "-DCMAKE_POSITION_INDEPENDENT_CODE=ON"], log=log, env=env)
    run(["cmake", "--build", lists / "out", "-j", jobs()], log=log, env=env)
    return lists / "out" / f"lib{library}.a"


def install(prefix, name, library, headers):
    for folder in ("include", "lib"):
        (prefix / name / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(library, prefix / name / "lib")
    for header in headers:
        shutil.copy(header, prefix / name / "include")


def zlib_decoder(work, target, source, prefix):
    # Raw deflate only: agent/decode reads the head and the end of a gzip member itself, with the agent's own CRC-32.
    library = c_library(work, target, source, "inflate", ["inflate.c", "inffast.c", "inftrees.c", "zutil.c", "adler32.c"],
                        ["-DNO_GZIP", f"-I{source}"], {"inffast.c": optimised(target, "-O2")})
    install(prefix, "zlib", library, [source / "zlib.h", source / "zconf.h"])


def lzma_decoder(work, target, source, prefix):
    liblzma = source / "src" / "liblzma"
    # What a chunk needs of its dictionary is never more than the largest chunk, whatever its head asks for: xz asks for 8 MiB when
    # nobody tells it how large the chunk is.
    edit(liblzma / "lz" / "lz_decoder.c", "\tif (lz_options.dict_size < 4096)\n",
         f"\tif (lz_options.dict_size > {LZMA_DICTIONARY_BYTES})\n\t\tlz_options.dict_size = {LZMA_DICTIONARY_BYTES};\n\n"
         "\tif (lz_options.dict_size < 4096)\n")
    # Only the heads are checked with it: what the chunk holds is known by its SHA-256.
    (liblzma / "check" / "crc32_bits.c").write_text(
        '#include "check.h"\nuint32_t lzma_crc32(const uint8_t *buf, size_t size, uint32_t crc) {\n    crc = ~crc;\n'
        "    while (size-- > 0) {\n        crc ^= *buf++;\n        for (int bit = 0; bit < 8; ++bit)\n"
        "            crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));\n    }\n    return ~crc;\n}\n")
    names = ["check/check", "check/crc32_bits", "lz/lz_decoder", "lzma/lzma_decoder", "lzma/lzma2_decoder", "simple/simple_coder",
             "simple/simple_decoder", "simple/x86",
             *[f"common/{name}" for name in ("block_decoder", "block_header_decoder", "block_util", "common", "filter_common",
                                             "filter_decoder", "filter_flags_decoder", "index_hash", "stream_decoder",
                                             "stream_flags_common", "stream_flags_decoder", "vli_decoder", "vli_size")]]
    folders = ["src/common", *[f"src/liblzma/{name}" for name in ("api", "check", "common", "lz", "lzma", "rangecoder", "simple", "delta")]]
    # HAVE_SMALL: one copy of the decoding loop and not two (10 KiB).
    defines = ["HAVE_STDBOOL_H", "HAVE_STDINT_H", "HAVE_INTTYPES_H", "HAVE_STRING_H", "HAVE_VISIBILITY=0", "TUKLIB_SYMBOL_PREFIX=lzma_",
               "HAVE_SMALL", "HAVE_CHECK_CRC32", "HAVE_DECODERS", "HAVE_DECODER_LZMA2", "HAVE_DECODER_X86", "LZMA_API_STATIC"]
    library = c_library(work, target, liblzma, "lzma_decoder", [f"{name}.c" for name in names],
                        [f"-D{name}" for name in defines] + [f"-I{source}/{name}" for name in folders],
                        {"lzma/lzma_decoder.c": optimised(target, "-O2")})
    install(prefix, "lzma", library, [liblzma / "api" / "lzma.h"])
    shutil.copytree(liblzma / "api" / "lzma", prefix / "lzma" / "include" / "lzma")


def zstd_decoder(work, target, source, prefix):
    lib = source / "lib"
    names = [*[f"common/{name}" for name in ("debug", "entropy_common", "error_private", "fse_decompress", "xxhash", "zstd_common")],
             *[f"decompress/{name}" for name in ("huf_decompress", "zstd_ddict", "zstd_decompress", "zstd_decompress_block")]]
    flags = ["ZSTD_LEGACY_SUPPORT=0", "ZSTD_DISABLE_ASM", "DYNAMIC_BMI2=0", "ZSTD_NO_INLINE", "ZSTD_STRIP_ERROR_STRINGS",
             "ZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT", "ZSTD_NO_TRACE", "HUF_FORCE_DECOMPRESS_X1", "DEBUGLEVEL=0"]
    # Where most of the time goes, what is called for each sequence stands in its loop; -O2 there takes 4 KiB more and is no faster.
    level = optimised(target, "-Os")
    library = c_library(work, target, lib, "zstd_decoder", [f"{name}.c" for name in names], [f"-D{flag}" for flag in flags],
                        {"decompress/huf_decompress.c": level, "decompress/zstd_decompress_block.c": f"{level} -UZSTD_NO_INLINE"})
    install(prefix, "zstd", library, [lib / "zstd.h", lib / "zstd_errors.h"])


RECIPES = {"mbedtls": mbedtls, "curl": curl, "json": json, "doctest": doctest,
           "zlib": zlib, "lzma": lzma, "zstd": zstd, "archive": archive}
DECODERS = {"zlib": zlib_decoder, "lzma": lzma_decoder, "zstd": zstd_decoder}


def recipe(group, name):
    return DECODERS[name] if group == "decoders" else RECIPES[name]


def text_of(group):
    """What decides how a group is built, as text: a change of it means another key."""
    first = [optimised, c_library, install] if group == "decoders" else [cmake_project]
    functions = [*first, *[recipe(group, name) for name in GROUPS[group]]]
    values = {"base": f"{CURL_OFF}{CURL_PIECE_BYTES}", "decoders": f"{LZMA_DICTIONARY_BYTES}"}
    return C_FLAGS + values.get(group, "") + "".join(inspect.getsource(function) for function in functions)
