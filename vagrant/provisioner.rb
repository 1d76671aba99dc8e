# frozen_string_literal: true

# The provisioner `rplay` for Vagrant: writes an inventory of the machines that are up and runs playbooks over them,
# from this side, once. Loaded by the Vagrantfile; no plug-in needs to be installed.

require "fileutils"
require "json"
require "shellwords"

module RplayProvisioner
  ROOT = File.expand_path("..", __dir__)

  # A playbook ended with an error.
  class Failed < Vagrant::Errors::VagrantError
    def error_message
      format("%<command>s ended with exit status %<status>d; its output above says why.", extra_data)
    end
  end

  # What the Vagrantfile sets.
  class Config < Vagrant.plugin("2", :config)
    # Machine name => group in the inventory.
    attr_accessor :groups
    # Paths from the project's folder, run in this order.
    attr_accessor :playbooks
    # Machine name => the address by which the machines reach each other (nil: the one that Vagrant reaches).
    attr_accessor :addresses

    def initialize
      super
      @groups = UNSET_VALUE
      @playbooks = UNSET_VALUE
      @addresses = UNSET_VALUE
    end

    def finalize!
      @groups = {} if @groups == UNSET_VALUE
      @playbooks = [] if @playbooks == UNSET_VALUE
      @addresses = {} if @addresses == UNSET_VALUE
    end

    def validate(_machine)
      missing = @playbooks.reject { |path| File.file?(File.join(ROOT, path)) }
      { "rplay" => missing.map { |path| "the playbook #{path} does not exist" } }
    end
  end

  # Runs the playbooks.
  class Provisioner < Vagrant.plugin("2", :provisioner)
    def provision
      folder = @machine.env.local_data_path.join("rplay")
      FileUtils.mkdir_p(folder)
      machines = running_machines
      File.write(folder.join("known_hosts"), machines.flat_map { |m| host_keys(m) }.join)
      File.write(folder.join("inventory.json"), JSON.pretty_generate(inventory(machines, folder)))
      @config.playbooks.each { |playbook| run(playbook, folder) }
    end

    private

    def running_machines
      machines = @machine.env.active_machines.map { |name, provider| @machine.env.machine(name, provider) }
      machines.select { |m| @config.groups.key?(m.name.to_s) && m.ssh_info }
    end

    # The keys are read over Vagrant's own connection, which it has made sure of: nothing on the network is trusted
    # that was not trusted before.
    def host_keys(machine)
      info = machine.ssh_info
      host = info[:port].to_i == 22 ? info[:host] : "[#{info[:host]}]:#{info[:port]}"
      lines = []
      machine.communicate.execute("cat /etc/ssh/ssh_host_*_key.pub") { |_type, data| lines << data }
      lines.join.lines.map { |line| "#{host} #{line.split.first(2).join(' ')}\n" }
    end

    def inventory(machines, folder)
      groups = Hash.new { |hash, group| hash[group] = { "hosts" => [] } }
      hostvars = machines.to_h do |machine|
        name = machine.name.to_s
        groups[@config.groups[name]]["hosts"] << name
        [name, connection(machine)]
      end
      common = "-o UserKnownHostsFile=#{folder.join('known_hosts')} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
      { "_meta" => { "hostvars" => hostvars },
        "all" => { "children" => groups.keys, "vars" => { "ansible_ssh_common_args" => common } } }.merge(groups)
    end

    def connection(machine)
      info = machine.ssh_info
      { "ansible_host" => info[:host],
        "ansible_port" => info[:port].to_i,
        "ansible_user" => info[:username],
        "ansible_ssh_private_key_file" => Array(info[:private_key_path]).first.to_s,
        "vagrant_address" => @config.addresses[machine.name.to_s] || info[:host] }
    end

    def run(playbook, folder)
      command = [ENV.fetch("RPLAY", "rplay"), playbook, "-i", "vagrant/inventory", *ENV.fetch("RPLAY_ARGS", "").shellsplit]
      @machine.ui.detail(command.shelljoin)
      environment = { "RPLAY_VAGRANT_INVENTORY" => folder.join("inventory.json").to_s }
      options = { workdir: ROOT, env: environment, notify: %i[stdout stderr] }
      result = Vagrant::Util::Subprocess.execute(*command, options) do |_type, data|
        @machine.ui.detail(data, new_line: false, prefix: false)
      end
      raise Failed, command: command.shelljoin, status: result.exit_code unless result.exit_code.zero?
    end
  end

  # Makes the two known under the name `rplay`.
  class Plugin < Vagrant.plugin("2")
    name "rplay"
    config(:rplay, :provisioner) { Config }
    provisioner(:rplay) { Provisioner }
  end
end
