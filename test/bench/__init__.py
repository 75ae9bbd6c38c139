"""scripts/bench: Portico beside nginx, HAProxy and Caddy.

    figures     what wrk says, medians, ratios, Markdown; pure
    targets     what Portico is to reach, and whether it does; pure
    process     servers as children: CPU time, memory, ports, limits
    peers       the four proxies and the origins, from the templates beside this file
    small       small requests, with wrk
    bulk        handshakes and large bodies, with client.c
    footprint   memory, start, size
    report      the tables
    cli         options, and the order of things

scripts/slow: what slow peers cost everybody else.

    slow          options, and the order of things
    slow_peers    the slow peers and their origin, a process of their own
    slow_client   the ordinary client, a process of its own
    slow_servers  the three proxies
    slow_table    quantiles, medians, the table; pure
"""
