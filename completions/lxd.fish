# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lxd_global_optspecs
    string join \n group= logfile= d/debug v/verbose h/help V/version
end

function __fish_lxd_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lxd_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lxd_using_subcommand
    set -l cmd (__fish_lxd_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lxd -n "__fish_lxd_needs_command" -l group -d 'The group of users that may use the unix socket' -r
complete -c lxd -n "__fish_lxd_needs_command" -l logfile -d 'Write the log to this file instead of standard error' -r -F
complete -c lxd -n "__fish_lxd_needs_command" -s d -l debug -d 'Log everything'
complete -c lxd -n "__fish_lxd_needs_command" -s v -l verbose -d 'Log what happens, not only what goes wrong'
complete -c lxd -n "__fish_lxd_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lxd -n "__fish_lxd_needs_command" -s V -l version -d 'Print version'
complete -c lxd -n "__fish_lxd_needs_command" -f -a "daemon" -d 'Run the daemon'
complete -c lxd -n "__fish_lxd_needs_command" -f -a "init" -d 'Set up this server, alone or in a cluster'
complete -c lxd -n "__fish_lxd_needs_command" -f -a "waitready" -d 'Wait until the daemon is ready to take requests'
complete -c lxd -n "__fish_lxd_needs_command" -f -a "shutdown" -d 'Stop the daemon'
complete -c lxd -n "__fish_lxd_needs_command" -f -a "sql" -d 'Query or change the daemon\'s databases directly'
complete -c lxd -n "__fish_lxd_using_subcommand daemon" -l group -d 'The group of users that may use the unix socket' -r
complete -c lxd -n "__fish_lxd_using_subcommand daemon" -l logfile -d 'Write the log to this file instead of standard error' -r -F
complete -c lxd -n "__fish_lxd_using_subcommand daemon" -s d -l debug -d 'Log everything'
complete -c lxd -n "__fish_lxd_using_subcommand daemon" -s v -l verbose -d 'Log what happens, not only what goes wrong'
complete -c lxd -n "__fish_lxd_using_subcommand daemon" -s h -l help -d 'Print help'
complete -c lxd -n "__fish_lxd_using_subcommand init" -l wait -d 'When joining: wait this long until a member of the cluster can be reached' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l network-address -d 'With --auto: the address on which the server can be reached over the network' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l network-port -d 'With --network-address: its port [default: 8443]' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l storage-backend -d 'With --auto: the kind of storage pool [default: dir]' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l storage-create-device -d 'With --storage-backend btrfs: an empty block device for the pool' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l storage-create-loop -d 'With --storage-backend btrfs: the size of a file for the pool, in GB' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l storage-pool -d 'With --storage-backend btrfs: a directory on btrfs for the pool; with a device or a size: its name' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l trust-password -d 'With --network-address: the password by which clients add themselves' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l group -d 'The group of users that may use the unix socket' -r
complete -c lxd -n "__fish_lxd_using_subcommand init" -l logfile -d 'Write the log to this file instead of standard error' -r -F
complete -c lxd -n "__fish_lxd_using_subcommand init" -l auto -d 'Make a storage pool and a bridge without asking'
complete -c lxd -n "__fish_lxd_using_subcommand init" -l minimal -d 'The same, without further choices'
complete -c lxd -n "__fish_lxd_using_subcommand init" -l preseed -d 'Read the configuration as YAML from standard input'
complete -c lxd -n "__fish_lxd_using_subcommand init" -l dump -d 'Print the configuration as YAML, as --preseed reads it'
complete -c lxd -n "__fish_lxd_using_subcommand init" -l dry-run -d 'Print what would change, and change nothing; exit with 2 if something would'
complete -c lxd -n "__fish_lxd_using_subcommand init" -s d -l debug -d 'Log everything'
complete -c lxd -n "__fish_lxd_using_subcommand init" -s v -l verbose -d 'Log what happens, not only what goes wrong'
complete -c lxd -n "__fish_lxd_using_subcommand init" -s h -l help -d 'Print help'
complete -c lxd -n "__fish_lxd_using_subcommand waitready" -s t -l timeout -d 'Give up after this many seconds (0: never)' -r
complete -c lxd -n "__fish_lxd_using_subcommand waitready" -l group -d 'The group of users that may use the unix socket' -r
complete -c lxd -n "__fish_lxd_using_subcommand waitready" -l logfile -d 'Write the log to this file instead of standard error' -r -F
complete -c lxd -n "__fish_lxd_using_subcommand waitready" -s d -l debug -d 'Log everything'
complete -c lxd -n "__fish_lxd_using_subcommand waitready" -s v -l verbose -d 'Log what happens, not only what goes wrong'
complete -c lxd -n "__fish_lxd_using_subcommand waitready" -s h -l help -d 'Print help'
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -s t -l timeout -d 'Give up after this many seconds (0: never)' -r
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -l group -d 'The group of users that may use the unix socket' -r
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -l logfile -d 'Write the log to this file instead of standard error' -r -F
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -s f -l force -d 'Do not wait for operations that are under way'
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -s d -l debug -d 'Log everything'
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -s v -l verbose -d 'Log what happens, not only what goes wrong'
complete -c lxd -n "__fish_lxd_using_subcommand shutdown" -s h -l help -d 'Print help'
complete -c lxd -n "__fish_lxd_using_subcommand sql" -l group -d 'The group of users that may use the unix socket' -r
complete -c lxd -n "__fish_lxd_using_subcommand sql" -l logfile -d 'Write the log to this file instead of standard error' -r -F
complete -c lxd -n "__fish_lxd_using_subcommand sql" -s d -l debug -d 'Log everything'
complete -c lxd -n "__fish_lxd_using_subcommand sql" -s v -l verbose -d 'Log what happens, not only what goes wrong'
complete -c lxd -n "__fish_lxd_using_subcommand sql" -s h -l help -d 'Print help'
