# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lxc_global_optspecs
    string join \n debug force-local h/help project= q/quiet v/verbose version
end

function __fish_lxc_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lxc_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lxc_using_subcommand
    set -l cmd (__fish_lxc_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lxc -n "__fish_lxc_needs_command" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_needs_command" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_needs_command" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_needs_command" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_needs_command" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_needs_command" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_needs_command" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "cluster" -d 'Manage cluster members'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "config" -d 'Manage server configuration options'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "info" -d 'Show server information'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "network" -d 'Manage networks'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "profile" -d 'Manage profiles'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "query" -d 'Send a raw query to LXD'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "storage" -d 'Manage storage pools'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "version" -d 'Show local and remote versions'
complete -c lxc -n "__fish_lxc_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -f -a "add" -d 'Request a join token for adding a cluster member'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -f -a "list" -d 'List all the cluster members'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -f -a "ls" -d 'List all the cluster members'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -f -a "list-tokens" -d 'List all active cluster member join tokens'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -f -a "revoke-token" -d 'Revoke cluster member join token'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and not __fish_seen_subcommand_from add list ls list-tokens revoke-token show" -f -a "show" -d 'Show details of a cluster member'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l name -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l expiry -d 'How long the token is good for, such as 90s, 10m, 3h or 2d' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l failure-domain -d 'Failure domain of the new member' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l member-config -d 'What the new member has for its own, such as storage-pool.default.source=/dev/sdb' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from add" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from ls" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from list-tokens" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from revoke-token" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand cluster; and __fish_seen_subcommand_from show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -f -a "get" -d 'Get values for server configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -f -a "set" -d 'Set server configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -f -a "show" -d 'Show server configuration'
complete -c lxc -n "__fish_lxc_using_subcommand config; and not __fish_seen_subcommand_from get set show unset" -f -a "unset" -d 'Unset server configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from get" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from set" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand config; and __fish_seen_subcommand_from unset" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand info" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand info" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand info" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand info" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand info" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand info" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand info" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand info" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "create" -d 'Create new networks'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "delete" -d 'Delete networks'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "rm" -d 'Delete networks'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "list" -d 'List available networks'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "ls" -d 'List available networks'
complete -c lxc -n "__fish_lxc_using_subcommand network; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "show" -d 'Show network configurations'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -s t -l type -d 'Network type' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from create" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from delete" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from rm" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from list" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from ls" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand network; and __fish_seen_subcommand_from show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "create" -d 'Create profiles'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "delete" -d 'Delete profiles'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "rm" -d 'Delete profiles'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "list" -d 'List profiles'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "ls" -d 'List profiles'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "set" -d 'Set profile configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "show" -d 'Show profile configurations'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and not __fish_seen_subcommand_from create delete rm list ls set show unset" -f -a "unset" -d 'Unset profile configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from create" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from delete" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from rm" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from list" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from ls" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from set" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand profile; and __fish_seen_subcommand_from unset" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand query" -s d -l data -d 'Input data' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand query" -s X -l request -d 'Action (defaults to GET)' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand query" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand query" -l raw -d 'Print the raw response'
complete -c lxc -n "__fish_lxc_using_subcommand query" -l wait -d 'Wait for the operation to complete'
complete -c lxc -n "__fish_lxc_using_subcommand query" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand query" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand query" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand query" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand query" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand query" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "create" -d 'Create storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "delete" -d 'Delete storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "rm" -d 'Delete storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "list" -d 'List available storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "ls" -d 'List available storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and not __fish_seen_subcommand_from create delete rm list ls show" -f -a "show" -d 'Show storage pool configurations'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from create" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from delete" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from rm" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from list" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -s f -l format -d 'Format (csv|json|table|yaml|compact)' -r -f -a "csv\t''
json\t''
table\t''
yaml\t''
compact\t''"
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from ls" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -l target -d 'Cluster member name' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand storage; and __fish_seen_subcommand_from show" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand version" -l project -d 'Override the source project' -r -f
complete -c lxc -n "__fish_lxc_using_subcommand version" -l debug -d 'Show all debug messages'
complete -c lxc -n "__fish_lxc_using_subcommand version" -l force-local -d 'Force using the local unix socket'
complete -c lxc -n "__fish_lxc_using_subcommand version" -s h -l help -d 'Print help'
complete -c lxc -n "__fish_lxc_using_subcommand version" -s q -l quiet -d 'Don\'t show progress information'
complete -c lxc -n "__fish_lxc_using_subcommand version" -s v -l verbose -d 'Show all information messages'
complete -c lxc -n "__fish_lxc_using_subcommand version" -l version -d 'Print version number'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "cluster" -d 'Manage cluster members'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "config" -d 'Manage server configuration options'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "info" -d 'Show server information'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "network" -d 'Manage networks'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "profile" -d 'Manage profiles'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "query" -d 'Send a raw query to LXD'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "storage" -d 'Manage storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "version" -d 'Show local and remote versions'
complete -c lxc -n "__fish_lxc_using_subcommand help; and not __fish_seen_subcommand_from cluster config info network profile query storage version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "add" -d 'Request a join token for adding a cluster member'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "list" -d 'List all the cluster members'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "list-tokens" -d 'List all active cluster member join tokens'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "revoke-token" -d 'Revoke cluster member join token'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from cluster" -f -a "show" -d 'Show details of a cluster member'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "get" -d 'Get values for server configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "set" -d 'Set server configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show server configuration'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "unset" -d 'Unset server configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "create" -d 'Create new networks'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "delete" -d 'Delete networks'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "list" -d 'List available networks'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from network" -f -a "show" -d 'Show network configurations'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "create" -d 'Create profiles'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "delete" -d 'Delete profiles'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "list" -d 'List profiles'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "set" -d 'Set profile configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "show" -d 'Show profile configurations'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "unset" -d 'Unset profile configuration keys'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from storage" -f -a "create" -d 'Create storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from storage" -f -a "delete" -d 'Delete storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from storage" -f -a "list" -d 'List available storage pools'
complete -c lxc -n "__fish_lxc_using_subcommand help; and __fish_seen_subcommand_from storage" -f -a "show" -d 'Show storage pool configurations'
